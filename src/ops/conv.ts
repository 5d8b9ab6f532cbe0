/**
 * Composite: two-dimensional convolution and its two gradients, logically NCHW.
 *
 * y[n, o, p] = sum_{c, t} x[n, c, stride p + dilation t - pad] w[o, c, t], c within o's group. Lowering chooses an implementation for each
 * shape and layout.
 */
import { defineOp } from '../graph/op';
import type { Value } from '../graph/graph';

export type ConvAttributes = {
  strides: readonly [number, number];
  /** top, left, bottom, right */
  pads: readonly [number, number, number, number];
  dilations: readonly [number, number];
  group: number;
};

/** Size of a convolution's (or pooling window's) output along one axis. */
export function windowCount(
  size: number,
  kernel: number,
  stride: number,
  padding: number,
  dilation = 1,
): number {
  const count = Math.floor((size + padding - dilation * (kernel - 1) - 1) / stride) + 1;
  if (Number.isNaN(count)) throw new Error(`height and width need static sizes`);
  if (count < 1) throw new Error(`a window of ${dilation * (kernel - 1) + 1} does not fit a size of ${size}`);
  return count;
}

const convOp = defineOp<ConvAttributes>('Conv2d', {
  composite: true,
  half: 'always',
  infer: ([x, w], { strides, pads, dilations, group }) => {
    if (x.shape.length !== 4 || w.shape.length !== 4)
      throw new Error('expected x [N, C, H, W] and w [O, C/group, kh, kw]');
    if (x.dtype !== w.dtype) throw new Error('expected operands of one dtype');
    const [n, c, h, width] = x.shape as number[];
    const [o, cg, kh, kw] = w.shape as number[];
    if (cg * group !== c || o % group !== 0) throw new Error(`channels do not fit ${group} group(s)`);
    const ho = windowCount(h, kh, strides[0], pads[0] + pads[2], dilations[0]);
    const wo = windowCount(width, kw, strides[1], pads[1] + pads[3], dilations[1]);
    return [{ dtype: x.dtype, shape: [n, o, ho, wo] }];
  },
  vjp: ([dy], [x, w], _outputs, attrs) => [
    () => convInputGradientOp.one([dy, w], { ...attrs, inputShape: x.shape.slice(2) as number[] }),
    () => convWeightGradientOp.one([x, dy], { ...attrs, kernelShape: w.shape.slice(2) as number[] }),
  ],
});

const convInputGradientOp = defineOp<ConvAttributes & { inputShape: readonly number[] }>(
  'Conv2dInputGradient',
  {
    composite: true,
    gradientOf: 'Conv2d',
    half: 'always',
    infer: ([dy, w], { group, inputShape }) => [
      { dtype: dy.dtype, shape: [dy.shape[0], (w.shape[1] as number) * group, ...inputShape] },
    ],
  },
);

const convWeightGradientOp = defineOp<ConvAttributes & { kernelShape: readonly number[] }>(
  'Conv2dWeightGradient',
  {
    composite: true,
    gradientOf: 'Conv2d',
    half: 'always',
    infer: ([x, dy], { group, kernelShape }) => [
      { dtype: dy.dtype, shape: [dy.shape[1], (x.shape[1] as number) / group, ...kernelShape] },
    ],
  },
);

export interface ConvOptions {
  readonly stride?: number;
  readonly padding?: number;
  readonly dilation?: number;
  readonly groups?: number;
}

/** x [N, C, H, W] convolved with w [O, C/groups, kh, kw] -> [N, O, Ho, Wo], as torch.nn.functional.conv2d. */
export function conv2d(x: Value, w: Value, options: ConvOptions = {}): Value {
  const { stride = 1, padding = 0, dilation = 1, groups = 1 } = options;
  return convOp.one([x, w], {
    strides: [stride, stride],
    pads: [padding, padding, padding, padding],
    dilations: [dilation, dilation],
    group: groups,
  });
}
