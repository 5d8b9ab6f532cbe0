/** Images on their way into a network. */
import type { Value } from '../graph/graph';
import { add, cast, mul } from '../ops/elementwise';
import { transpose } from '../ops/shape';
import type { DType } from '../tensors/dtype';
import { largestPixel, type PixelBits } from '../tensors/pixels';

/** Of each channel, in units of the largest value, which `bits` decide (default 8). */
export interface Normalization {
  readonly mean: readonly number[];
  readonly std: readonly number[];
  readonly bits?: PixelBits;
}

/** x over the largest value, less the mean, over the deviation, as slope x + shift of each channel. */
export const slopeAndShift = ({ mean, std, bits = 8 }: Normalization) => ({
  slope: std.map((s) => 1 / (largestPixel(bits) * s)),
  shift: mean.map((m, i) => -m / std[i]),
});

/** Pixels [N, H, W, C] -> (x / largest - mean) / std as [N, C, H, W] of `dtype`. */
export function normalize(images: Value, normalization: Normalization, dtype: DType = 'float32'): Value {
  const { slope, shift } = slopeAndShift(normalization);
  const row = (numbers: readonly number[]) => images.graph.constant(dtype, [numbers.length], numbers);
  return transpose(add(mul(cast(images, dtype), row(slope)), row(shift)), [0, 3, 1, 2]);
}
