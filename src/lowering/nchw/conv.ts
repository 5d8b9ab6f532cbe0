/**
 * Implementations of a convolution's gradients on NCHW as it stands, for providers whose Conv and MatMul are the fast path (CUDA,
 * WebGPU), and as references for the others. No scatter, no index tables.
 */
import { range } from '../../graph/shape';
import type { Value } from '../../graph/graph';
import type { ConvAttributes } from '../../ops/conv';
import { gather } from '../../ops/gather';
import { conv, convTranspose } from '../../ops/onnx';
import { gemm, matmul, swapLast } from '../../ops/matmul';
import { concat, pad, reshape, slice, transpose } from '../../ops/shape';
import { isStaticImage, plainly, type Implementation } from '../context';
import { padForWindows, takeTap, tapsOf } from './taps';
import { windowOf } from '../windows';

type Pads = ConvAttributes['pads'];
type InputGradient = ConvAttributes & { inputShape: readonly number[] };
type WeightGradient = ConvAttributes & { kernelShape: readonly number[] };

/** dx of sum(dy conv(x, w)): ConvTranspose(dy, w) with as much output_padding as the stride left over of x. */
export function transposedConv(
  dy: Value,
  w: Value,
  { strides, pads, dilations, group }: ConvAttributes,
  size: readonly number[],
): Value {
  const kernel = w.shape.slice(2) as number[];
  const count = dy.shape.slice(2) as number[];
  const leftOver = (axis: 0 | 1) =>
    size[axis] +
    pads[axis] +
    pads[axis + 2] -
    (count[axis] - 1) * strides[axis] -
    dilations[axis] * (kernel[axis] - 1) -
    1;
  return convTranspose(dy, w, {
    strides,
    pads,
    dilations,
    group,
    output_padding: [leftOver(0), leftOver(1)],
  });
}

const staticFirst = ([x]: readonly Value[]) => isStaticImage(x);

/** dX = ConvTranspose(dY, W): cuDNN's own data gradient. Float32 in ONNX Runtime. */
export const convInputGradientPlain: Implementation = {
  name: 'plain',
  when: staticFirst,
  build: (context, [dy, w], { inputShape, ...attrs }: InputGradient) => [
    plainly(transposedConv(context.plain(dy), context.plain(w), attrs, inputShape)),
  ],
};

/** The kernel turned by 180 degrees, input and output channels of each group exchanged: [O, Cg, kh, kw] -> [C, Og, kh, kw]. */
function flippedKernel(w: Value, group: number): Value {
  const [o, cg, kh, kw] = w.shape as number[];
  const taps = kh * kw;
  const og = o / group;
  let byTap = reshape(w, [group, og, cg, taps]);
  if (taps > 1) {
    byTap = gather(byTap, w.graph.constant('int32', [taps], range(taps).reverse()), 3);
  }
  return reshape(transpose(byTap, [0, 2, 1, 3]), [group * cg, og, kh, kw]);
}

/**
 * dX = Conv(dY with stride - 1 zeros between neighbours, W flipped), at stride 1: for providers whose ConvTranspose is slow or
 * takes no one-sided padding.
 */
export const convInputGradientFlipped: Implementation = {
  name: 'flipped',
  when: staticFirst,
  build: (context, [dyLogical, w], { inputShape, strides, pads, dilations, group }: InputGradient) => {
    const kernel = w.shape.slice(2) as number[];
    const dy = context.plain(dyLogical);
    const [n, o, ho, wo] = dy.shape as number[];
    const [sh, sw] = strides;
    const spread = reshape(
      pad(reshape(dy, [n, o, ho, 1, wo, 1]), [0, 0, 0, 0, 0, 0], [0, 0, 0, sh - 1, 0, sw - 1]),
      [n, o, ho * sh, wo * sw],
    );
    // Around the spread map so many zeros that each pixel of x meets every tap; fewer than none means to cut.
    const reach = (axis: 0 | 1) => dilations[axis] * (kernel[axis] - 1);
    const before = ([0, 1] as const).map((axis) => reach(axis) - pads[axis]);
    const after = ([0, 1] as const).map(
      (axis) => inputShape[axis] + reach(axis) - before[axis] - (spread.shape[axis + 2] as number),
    );
    const cut = ([0, 1] as const).reduce((map, axis) => {
      const length = map.shape[axis + 2] as number;
      return slice(map, axis + 2, Math.max(0, -before[axis]), length + Math.min(0, after[axis]));
    }, spread);
    const around = [...before, ...after].map((p) => Math.max(0, p));
    const kernelFlipped = flippedKernel(context.plain(w), group);
    return [
      plainly(
        conv(cut, kernelFlipped, {
          strides: [1, 1],
          pads: around as readonly number[] as Pads,
          dilations,
          group,
        }),
      ),
    ];
  },
};

/**
 * dW = Conv(X', dY') with the batch and channel axes exchanged: every pixel of dY is a tap, the stride its dilation. In groups
 * X' is [Cg, G N, H, W], so that group g of dY' [G Og, N, Ho, Wo] meets its own channels. Float32 in ONNX Runtime.
 */
export const convWeightGradientPlain: Implementation = {
  name: 'plain',
  when: staticFirst,
  build: (
    context,
    [xLogical, dyLogical],
    { kernelShape, strides, pads, dilations, group }: WeightGradient,
  ) => {
    const x = context.plain(xLogical);
    const dy = transpose(context.plain(dyLogical), [1, 0, 2, 3]);
    const [n, c, h, w] = x.shape as number[];
    const count = dy.shape.slice(2) as number[];
    const swapped =
      group === 1
        ? transpose(x, [1, 0, 2, 3])
        : reshape(transpose(reshape(x, [n, group, c / group, h, w]), [2, 1, 0, 3, 4]), [
            c / group,
            group * n,
            h,
            w,
          ]);
    // Pixels that the stride left over at the end would make taps beyond the kernel's.
    const spare = ([0, 1] as const).map(
      (axis) =>
        [h, w][axis] +
        pads[axis] +
        pads[axis + 2] -
        (count[axis] - 1) * strides[axis] -
        1 -
        dilations[axis] * (kernelShape[axis] - 1),
    );
    const end = spare.map((more, axis) => Math.max(0, pads[axis + 2] - more));
    const attrs: ConvAttributes = {
      strides: dilations,
      dilations: strides,
      pads: [pads[0], pads[1], end[0], end[1]],
      group,
    };
    const taps = conv(swapped, dy, attrs);
    const own = slice(slice(taps, 2, 0, kernelShape[0]), 3, 0, kernelShape[1]);
    return [plainly(transpose(own, [1, 0, 2, 3]))];
  },
};

/**
 * dW by taps: channels first, dW[:, :, t] = dY' [O, N Ho Wo] times what the windows see of X' [C, N, H, W] through tap t. All
 * matrix products; each tap is one Slice. Works in float64 too.
 */
export const convWeightGradientTaps: Implementation = {
  name: 'taps',
  when: staticFirst,
  build: (context, [xLogical, dyLogical], attrs: WeightGradient) => {
    const { group, kernelShape } = attrs;
    const window = windowOf(xLogical.shape.slice(2) as number[], kernelShape, attrs);
    const taps = tapsOf(window);
    const x = padForWindows(transpose(context.plain(xLogical), [1, 0, 2, 3]), window);
    const dy = transpose(context.plain(dyLogical), [1, 0, 2, 3]);
    const [c, n] = x.shape as number[];
    const o = dy.shape[0] as number;
    const pixels = n * window.count[0] * window.count[1];
    const columns = concat(
      taps.map((tap) => reshape(takeTap(x, window, tap), [c, 1, pixels])),
      1,
    );
    const product =
      group === 1
        ? gemm(reshape(dy, [o, pixels]), reshape(columns, [c * taps.length, pixels]), { transB: 1 })
        : matmul(
            reshape(dy, [group, o / group, pixels]),
            swapLast(reshape(columns, [group, (c / group) * taps.length, pixels])),
          );
    return [plainly(reshape(product, [o, c / group, ...kernelShape]))];
  },
};
