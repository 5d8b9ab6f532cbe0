/** Implementations of pooling's gradients on NCHW as it stands: for CUDA and WebGPU, and as references for the others. */
import type { Value } from '../../graph/graph';
import { add, cast, equal, mul, sub } from '../../ops/elementwise';
import { maxPool } from '../../ops/onnx';
import type { AveragePoolAttributes, PoolAttributes } from '../../ops/pool';
import { expand, reshape } from '../../ops/shape';
import { transposedConv } from './conv';
import { isStaticImage, plainly, type Implementation } from '../context';
import { cropCanvas, padForWindows, placeTap, takeTap, tapInside, tapsOf } from './taps';
import { coveredPixels, windowOf, type Window } from '../windows';

/** A constant [Ho, Wo], one number a window. */
const perWindow = (like: Value, { count }: Window, numbers: readonly number[]) =>
  like.graph.constant(like.dtype, count, numbers);

/**
 * dx = sum over taps of dy where this tap is the first that holds its window's maximum. The maximum is the forward node's own
 * output, not its indices, which WebGPU's kernel does not give.
 */
export const maxPoolGradientPlain: Implementation = {
  name: 'plain',
  when: ([, x]) => isStaticImage(x),
  build: (context, [dyLogical, xLogical], attrs: PoolAttributes) => {
    const dy = context.plain(dyLogical);
    const x = context.plain(xLogical);
    const window = windowOf(x.shape.slice(2) as number[], attrs.kernel_shape, attrs);
    const [largest] = maxPool(x, attrs);
    const padded = padForWindows(x, window);
    let found: Value | null = null;
    const parts = tapsOf(window).map((tap) => {
      let hit = cast(equal(takeTap(padded, window, tap), largest), dy.dtype);
      const inside = tapInside(window, tap);
      if (inside.includes(false)) hit = mul(hit, perWindow(dy, window, inside.map(Number)));
      const first: Value = found ? mul(hit, sub(1, found)) : hit;
      found = found ? add(found, first) : first;
      return placeTap(mul(dy, first), window, tap);
    });
    return [plainly(cropCanvas(parts.reduce(add), window))];
  },
};

/** dx = ConvTranspose(dy / divisor, ones), every channel an image of its own. Float32 in ONNX Runtime. */
export const averagePoolGradientPlain: Implementation = {
  name: 'plain',
  when: ([dy]) => isStaticImage(dy),
  build: (context, [dyLogical], attrs: AveragePoolAttributes & { inputShape: readonly number[] }) => {
    const dy = context.plain(dyLogical);
    const { inputShape: size, kernel_shape: kernel, strides, pads } = attrs;
    const [n, c, ...count] = dy.shape as number[];
    const window = windowOf(size, kernel, attrs);
    const weights = coveredPixels(window, attrs.count_include_pad === 1).map((d) => 1 / d);
    const weighted = reshape(mul(dy, perWindow(dy, window, weights)), [n * c, 1, ...count]);
    const ones = dy.graph.constant(
      dy.dtype,
      [1, 1, ...kernel],
      new Array<number>(kernel[0] * kernel[1]).fill(1),
    );
    const dx = transposedConv(weighted, ones, { strides, pads, dilations: [1, 1], group: 1 }, size);
    return [plainly(reshape(dx, [n, c, ...size]))];
  },
};

/** dx = dy / (H W) at every pixel. */
export const globalAveragePoolGradientPlain: Implementation = {
  name: 'plain',
  when: ([dy]) => dy.shape.every((d) => typeof d === 'number'),
  build: (context, [dy], { inputShape }: { inputShape: readonly number[] }) => {
    const [n, c] = dy.shape as number[];
    const share = mul(context.plain(dy), 1 / (inputShape[0] * inputShape[1]));
    return [plainly(expand(reshape(share, [n, c, 1, 1]), [n, c, ...inputShape]))];
  },
};
