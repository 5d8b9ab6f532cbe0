/** A picture of any size as a network takes it, in operators that every runtime has. */
import { imageDims } from '../../bundle/imageShape';
import type { Recipe } from '../../bundle/recipe';
import { CENTER_CROP } from '../../data/images/transforms';
import type { Value } from '../../graph/graph';
import { slopeAndShift } from '../../nn/images';
import { relu } from '../../ops/activation';
import { abs, add, cast, div, equal, floor, maximum, minimum, mul, sub, where } from '../../ops/elementwise';
import { matmul } from '../../ops/matmul';
import { rangeTo, shapeOf } from '../../ops/onnx';
import { reduceMin, reduceSum } from '../../ops/reduce';
import { concat, reshape, slice, transpose } from '../../ops/shape';

const rounded = (x: Value) => floor(add(x, 0.5));

/** Two numbers, the second first. */
const reversed = (pair: Value) => concat([slice(pair, 0, 1, 2), slice(pair, 0, 0, 1)], 0);

/**
 * Pixels [batch, height, width, C] -> float32 [batch, C, H, W], which are the network's sides: the middle as evaluation has it
 * (`centerBox`: all of a picture of the right size, else 7/8 of the largest box of the ratio of W and H), resized and normalized.
 *
 * Resized by two products, Wy x transpose(Wx), rather than by Resize: its `antialias` begins with opset 18, WebGPU has no kernel
 * for it, and it is another filter than PIL's, PyTorch's and libvips'. As `decodeBox` does, all of the picture is thought to be
 * resized to r = round(length size / side) pixels, of which `size` are kept from `offset` on. So row i of a W [size, length] is a
 * triangle around c = (i + offset + 1/2) s, where s = length / r,
 *
 *     w[i, j] = max(0, 1 - |j + 1/2 - c| / max(s, 1)), over its sum.
 */
export function photo(image: Value, settings: Recipe['image']): Value {
  const [height, width, channels] = imageDims(settings);
  const { graph } = image;
  const vector = (...numbers: number[]) => graph.constant('float32', [numbers.length], numbers);
  const pixels = cast(transpose(image, [0, 3, 1, 2]), 'float32');

  // the sides of the box that is kept, and where it begins
  const lengths = slice(shapeOf(pixels), 0, 2, 4);
  const isRight = equal(lengths, graph.ints([height, width]));
  const isWhole = cast(reduceMin(cast(isRight, 'int32'), [0], 1), 'bool');
  const crop = where(isWhole, vector(1), vector(CENTER_CROP));
  const all = cast(lengths, 'float32');
  const fitting = div(mul(reversed(all), vector(height, width)), vector(width, height));
  const side = maximum(rounded(mul(minimum(all, fitting), crop)), 1);
  const start = cast(div(sub(lengths, cast(side, 'int64')), 2), 'float32');

  // of height and width
  const sizes = vector(height, width);
  const scale = div(sizes, side);
  const resized = maximum(rounded(mul(all, scale)), sizes);
  const offset = minimum(rounded(mul(start, scale)), sub(resized, sizes));
  const step = div(all, resized);
  /** W of height or width. */
  const weights = (axis: 0 | 1) => {
    const size = [height, width][axis];
    const middles = Array.from({ length: size }, (_, i) => i + 0.5);
    const own = (both: Value) => slice(both, 0, axis, axis + 1);
    const stride = own(step);
    const centers = mul(add(graph.constant('float32', [size, 1], middles), own(offset)), stride);
    const places = add(rangeTo(reshape(own(all), []), image.shape[1 + axis]), 0.5);
    const triangle = relu(sub(1, div(abs(sub(places, centers)), maximum(stride, 1))));
    return div(triangle, reduceSum(triangle, [1], 1));
  };
  const columns = matmul(pixels, transpose(weights(1), [1, 0]));
  const small = matmul(weights(0), columns);

  const { slope, shift } = slopeAndShift(settings);
  const each = (numbers: readonly number[]) => graph.constant('float32', [channels, 1, 1], numbers);
  return add(mul(small, each(slope)), each(shift));
}
