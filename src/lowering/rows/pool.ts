/** Implementations of pooling and its gradients. */
import { maxOf } from '../../base/lists';
import type { Value } from '../../graph/graph';
import { add, cast, equal, mod, mul } from '../../ops/elementwise';
import { averagePool, maxPool } from '../../ops/onnx';
import type { AveragePoolAttributes, PoolAttributes } from '../../ops/pool';
import { reduceMean, reduceSum } from '../../ops/reduce';
import { expand, reshape, transpose } from '../../ops/shape';
import { asRows, imageSize, isStaticImage, plainly, type Lowering, type Implementation } from '../context';
import { pixelOrder } from '../winograd/tileOrder';
import { takeRows } from './rows';
import { coveredPixels, residueClasses, windowOf, windowPixels, type Window } from '../windows';

/**
 * For each pixel a list of the windows that cover it, of one length for all (missing ones point past the last window).
 */
function coveringWindows(window: Window): number[][] {
  const none = window.count[0] * window.count[1];
  const lists: number[][] = Array.from({ length: window.size[0] * window.size[1] }, () => []);
  for (const { pixels, taps, windows } of residueClasses(window)) {
    pixels.forEach((pixel, i) => {
      lists[pixel] = windows.slice(i * taps.length, (i + 1) * taps.length).filter((w) => w !== none);
    });
  }
  const depth = maxOf(lists.map((list) => list.length));
  return Array.from({ length: depth }, (_, k) => lists.map((list) => list[k] ?? none));
}

/** Rows of every image, image by image: [n * pixels, C] -> [n * index.length, C]; index `pixels` is a row of zeros. */
function takeImageRows(context: Lowering, rows: Value, n: number, index: readonly number[]): Value {
  const pixels = (rows.shape[0] as number) / n;
  const from = pixelOrder({ n, h: 1, w: pixels }, 1);
  return takeRows(context, rows, { name: `pool ${index.join()}`, images: n, pixels, index, taps: 1, from });
}

export const maxPoolPlain: Implementation = {
  name: 'plain',
  when: () => true,
  build: (context, [x], attrs: PoolAttributes) => [plainly(maxPool(context.plain(x), attrs)[0])],
};

/**
 * dx[p] = sum over the windows that cover p of dy[window] where the window's maximum is at p. The operator's second output
 * says where; it is the same node as the forward one.
 */
export const maxPoolGradientRows: Implementation = {
  name: 'rows',
  when: ([, x]) => isStaticImage(x),
  build: (context, [dy, x], attrs: PoolAttributes) => {
    const { n, c, h, w } = imageSize(x);
    const window = windowOf([h, w], attrs.kernel_shape, attrs);
    const windows = window.count[0] * window.count[1];
    const [, indices] = maxPool(context.plain(x), attrs);
    const inImage = cast(mod(indices, h * w), 'int32');
    const winners = reshape(transpose(reshape(inImage, [n, c, windows]), [0, 2, 1]), [n * windows, c]);
    const d = context.imageRows(dy);
    const own = context.target.constant(
      'int32',
      [h * w, 1],
      Array.from({ length: h * w }, (_, i) => i),
    );
    const take = (rows: Value, index: readonly number[]) => takeImageRows(context, rows, n, index);
    const parts = coveringWindows(window).map((index) => {
      const hit = equal(reshape(take(winners, index), [n, h * w, c]), own);
      return mul(reshape(take(d, index), [n, h * w, c]), cast(hit, dy.dtype));
    });
    return [asRows(context.fromImageOrder(reshape(parts.reduce(add), [n * h * w, c]), imageSize(x)))];
  },
};

/** ONNX's own operator on NCHW; float32 only in ONNX Runtime. */
export const averagePoolPlain: Implementation = {
  name: 'plain',
  when: () => true,
  build: (context, [x], attrs: AveragePoolAttributes) => [plainly(averagePool(context.plain(x), attrs))],
};

export const averagePoolRows: Implementation = {
  name: 'rows',
  when: ([x]) => isStaticImage(x),
  build: (context, [x], attrs: AveragePoolAttributes, [y]) => {
    const { n, c, h, w } = imageSize(x);
    const window = windowOf([h, w], attrs.kernel_shape, attrs);
    const windows = window.count[0] * window.count[1];
    const taps = window.kernel[0] * window.kernel[1];
    const taken = reshape(takeImageRows(context, context.imageRows(x), n, windowPixels(window)), [
      n,
      windows,
      taps,
      c,
    ]);
    const weights = coveredPixels(window, attrs.count_include_pad === 1).map((d) => 1 / d);
    const weight = context.target.constant(x.dtype, [windows, 1], weights);
    const averages = reshape(mul(reduceSum(taken, [2]), weight), [n * windows, c]);
    return [asRows(context.fromImageOrder(averages, imageSize(y)))];
  },
};

export const averagePoolGradientRows: Implementation = {
  name: 'rows',
  when: ([dy]) => isStaticImage(dy),
  build: (context, [dy], attrs: AveragePoolAttributes & { inputShape: readonly number[] }, [dx]) => {
    const { n, c } = imageSize(dy);
    const window = windowOf(attrs.inputShape, attrs.kernel_shape, attrs);
    const windows = window.count[0] * window.count[1];
    const weights = coveredPixels(window, attrs.count_include_pad === 1).map((d) => 1 / d);
    const weight = context.target.constant(dy.dtype, [windows, 1], weights);
    const weighted = reshape(mul(reshape(context.imageRows(dy), [n, windows, c]), weight), [n * windows, c]);
    const rows = coveringWindows(window)
      .map((index) => takeImageRows(context, weighted, n, index))
      .reduce(add);
    return [asRows(context.fromImageOrder(rows, imageSize(dx)))];
  },
};

export const globalAveragePoolRows: Implementation = {
  name: 'rows',
  when: ([x]) => isStaticImage(x),
  build: (context, [x]) => {
    const { n, c, h, w } = imageSize(x);
    const { tile } = context.order({ n, h, w });
    const places = tile * tile;
    if (tile === 1) return [plainly(reduceMean(reshape(context.rows(x), [n, h * w, c]), [1]))];
    const blocks = reshape(context.rows(x), [places, n, (h * w) / places, c]);
    return [
      plainly(
        reduceMean(
          h * w === places ? reshape(blocks, [places, n, c]) : blocks,
          h * w === places ? [0] : [0, 2],
        ),
      ),
    ];
  },
};

export const globalAveragePoolPlain: Implementation = {
  name: 'plain',
  when: () => true,
  build: (context, [x]) => [plainly(reduceMean(context.plain(x), [2, 3]))],
};

export const globalAveragePoolGradientRows: Implementation = {
  name: 'rows',
  when: ([dy]) => dy.shape.every((d) => typeof d === 'number'),
  build: (context, [dy], { inputShape }: { inputShape: readonly number[] }) => {
    const [n, c] = dy.shape as number[];
    const pixels = inputShape[0] * inputShape[1];
    const { tile } = context.order({ n, h: inputShape[0], w: inputShape[1] });
    const places = tile * tile;
    const share = reshape(mul(context.plain(dy), 1 / pixels), [1, n, 1, c]);
    const spread = expand(share, tile === 1 ? [1, n, pixels, c] : [places, n, pixels / places, c]);
    return [asRows(reshape(spread, [n * pixels, c]))];
  },
};
