/** Implementations of the convolution and its gradients. */
import { range } from '../../graph/shape';
import type { Value } from '../../graph/graph';
import type { ConvAttributes } from '../../ops/conv';
import { mul } from '../../ops/elementwise';
import { gather } from '../../ops/gather';
import { gemm, matmul, swapLast } from '../../ops/matmul';
import { conv } from '../../ops/onnx';
import { concat, expand, reshape, transpose } from '../../ops/shape';
import {
  asRows,
  imageSize,
  isStaticImage,
  plainly,
  type Lowering,
  type ScaledRows,
  type Implementation,
} from '../context';
import { pixelOrder } from '../winograd/tileOrder';
import { takeRows } from './rows';
import { residueClasses, windowOf, windowPixels, type Window } from '../windows';

const windowName = (window: Window) => Object.values(window).join(' ');

/** im2col: x -> [N*Ho*Wo, kh*kw*C]. A pointwise kernel at stride 1 is the matrix itself. */
function columns(context: Lowering, x: Value, window: Window): Value {
  const { n, c, h, w } = imageSize(x);
  const [ho, wo] = window.count;
  const taps = window.kernel[0] * window.kernel[1];
  // What lies in no order yet is gathered as it comes.
  const ordered = context.has(x, 'rows');
  const taken = takeRows(context, ordered ? context.rows(x) : context.imageRows(x), {
    name: `windows ${windowName(window)}`,
    images: n,
    pixels: h * w,
    index: windowPixels(window),
    taps,
    from: ordered ? context.order({ n, h, w }) : pixelOrder({ n, h, w }, 1),
    to: context.order({ n, h: ho, w: wo }),
  });
  return reshape(taken, [n * ho * wo, taps * c]);
}

/** [P, taps * G * K] -> [G, P, taps * K], so that each group is one matrix of a batched product. */
function groupColumns(cols: Value, taps: number, groups: number): Value {
  const [p, width] = cols.shape as number[];
  const k = width / taps / groups;
  return reshape(transpose(reshape(cols, [p, taps, groups, k]), [2, 0, 1, 3]), [groups, p, taps * k]);
}

/** [G, P, K] -> [P, G * K] */
function ungroup(x: Value): Value {
  const [g, p, k] = x.shape as number[];
  return reshape(transpose(x, [1, 0, 2]), [p, g * k]);
}

/**
 * dy with its pending factor where the factor is cheaper on weights [O, perOutput], twice, than on the rows [P, O].
 */
export function scaledRows(context: Lowering, dy: Value, perOutput: number): ScaledRows {
  const pays = imageSize(dy).pixels > 2 * perOutput;
  return pays ? context.scaledRows(dy) : { rows: context.rows(dy), scale: null };
}

const static4 = ([x]: readonly Value[]) => isStaticImage(x);

/** y = im2col(x) W', one matrix product. */
export const convRows: Implementation = {
  name: 'rows',
  when: static4,
  build: (context, [x, w], attrs: ConvAttributes) => {
    const [o, cg, kh, kw] = w.shape as number[];
    const size = imageSize(x);
    const cols = columns(context, x, windowOf([size.h, size.w], [kh, kw], attrs));
    const lastChannels = transpose(reshape(context.plain(w), [o, cg, kh * kw]), [0, 2, 1]);
    if (attrs.group === 1) {
      return [asRows(gemm(cols, reshape(lastChannels, [o, kh * kw * cg]), { transB: 1 }))];
    }
    const grouped = reshape(lastChannels, [attrs.group, o / attrs.group, kh * kw * cg]);
    return [asRows(ungroup(matmul(groupColumns(cols, kh * kw, attrs.group), swapLast(grouped))))];
  },
};

/** ONNX's own operator on NCHW: inference, and sizes known only at run time. */
export const convPlain: Implementation = {
  name: 'plain',
  when: () => true,
  build: (context, [x, w], attrs: ConvAttributes) => [
    plainly(conv(context.plain(x), context.plain(w), attrs)),
  ],
};

/** A weight gradient is wide or tall: computing the transposed product is faster where it has many more rows. */
const TALL = { ratio: 2, channels: 128 };

/** d' cols [O, K] of cols [P, K] and d [P, O], computed in the faster orientation. */
export function weightProduct(cols: Value, d: Value): Value {
  const k = cols.shape[1] as number;
  const o = d.shape[1] as number;
  if (o >= TALL.ratio * k && k >= TALL.channels) return gemm(d, cols, { transA: 1 });
  // The reshapes keep ONNX Runtime from folding the transpose into the product, which would undo the choice.
  const product = reshape(gemm(cols, d, { transA: 1 }), [k, 1, o]);
  return transpose(reshape(product, [k, o]), [1, 0]);
}

/** dW = dY' im2col(x). */
export const convWeightGradientRows: Implementation = {
  name: 'rows',
  when: static4,
  build: (context, [x, dy], attrs: ConvAttributes & { kernelShape: readonly number[] }) => {
    const [kh, kw] = attrs.kernelShape;
    const size = imageSize(x);
    const cg = size.c / attrs.group;
    const cols = columns(context, x, windowOf([size.h, size.w], [kh, kw], attrs));
    const { rows: d, scale } = scaledRows(context, dy, kh * kw * cg);
    const o = d.shape[1] as number;
    // Two transpositions of two axes each: one of all four axes takes ten times as long in ONNX Runtime.
    const kernelOf = (product: Value) =>
      reshape(transpose(reshape(product, [o, kh * kw, cg]), [0, 2, 1]), [o, cg, kh, kw]);
    const scaled = (dw: Value) => [plainly(scale ? mul(dw, reshape(scale, [o, 1, 1, 1])) : dw)];
    if (attrs.group !== 1) {
      const grouped = matmul(
        swapLast(groupColumns(d, 1, attrs.group)),
        groupColumns(cols, kh * kw, attrs.group),
      );
      return scaled(kernelOf(grouped));
    }
    return scaled(kernelOf(weightProduct(cols, d)));
  },
};

/** The kernel's taps of one residue class as [taps * Og, Cg] (or with a leading group axis). */
function tapMatrix(w: Value, taps: readonly number[], groups: number): Value {
  const [o, cg, kh, kw] = w.shape as number[];
  const og = o / groups;
  const byTap = transpose(reshape(w, [groups, og, cg, kh * kw]), [0, 3, 1, 2]);
  const all = taps.length === kh * kw;
  const chosen = all ? byTap : gather(byTap, w.graph.constant('int32', [taps.length], taps), 1);
  return reshape(chosen, groups === 1 ? [taps.length * og, cg] : [groups, taps.length * og, cg]);
}

/** dX by residue classes of the stride: each is a gather of dY's rows and one matrix product. */
export const convInputGradientRows: Implementation = {
  name: 'rows',
  when: static4,
  build: (context, [dy, w], attrs: ConvAttributes & { inputShape: readonly number[] }, [dx]) => {
    const size = imageSize(dx);
    const kernel = w.shape.slice(2) as number[];
    const window = windowOf([size.h, size.w], kernel, attrs);
    const taps = kernel[0] * kernel[1];
    const { rows: d, scale } = scaledRows(context, dy, taps * (w.shape[1] as number));
    const o = d.shape[1] as number;
    const plain = context.plain(w);
    const weights = scale ? mul(plain, reshape(scale, [o, 1, 1, 1])) : plain;
    const pointwise = taps === 1 && attrs.group === 1;
    const classes = residueClasses(window).filter((c) => c.taps.length > 0);
    const dyOrder = context.order(imageSize(dy));
    const dxOrder = context.order(size);
    // One class that holds every pixel is made in its final order at once.
    const whole = classes.length === 1 && classes[0].pixels.length === size.h * size.w;
    const parts = classes.map((c, i) => {
      const taken = takeRows(context, d, {
        name: `covering ${windowName(window)} ${i}`,
        images: size.n,
        pixels: window.count[0] * window.count[1],
        index: c.windows,
        taps: c.taps.length,
        from: dyOrder,
        to: whole ? dxOrder : undefined,
      });
      const cols = reshape(taken, [size.n * c.pixels.length, c.taps.length * o]);
      if (pointwise) return gemm(cols, reshape(weights, [o, size.c]));
      const chosen = tapMatrix(weights, c.taps, attrs.group);
      if (attrs.group === 1) return matmul(cols, chosen);
      return ungroup(matmul(groupColumns(cols, c.taps.length, attrs.group), chosen));
    });
    if (whole) return [asRows(parts[0])];
    if (parts.length === 0) {
      return [asRows(expand(context.target.scalar(0, dy.dtype), [size.pixels, size.c]))];
    }
    // Back into pixel order; a pixel that no window reaches takes the row of zeros.
    const place = new Map<number, number>();
    for (const pixel of classes.flatMap((c) => c.pixels)) place.set(pixel, place.size);
    const together = concat(
      parts.map((part, i) => reshape(part, [size.n, classes[i].pixels.length, size.c])),
      1,
    );
    const index = range(size.h * size.w).map((pixel) => place.get(pixel) ?? place.size);
    const rows = takeRows(context, reshape(together, [size.n * place.size, size.c]), {
      name: `classes ${windowName(window)}`,
      images: size.n,
      pixels: place.size,
      index,
      taps: 1,
      from: pixelOrder({ n: size.n, h: 1, w: place.size }, 1),
      to: dxOrder,
    });
    return [asRows(rows)];
  },
};
