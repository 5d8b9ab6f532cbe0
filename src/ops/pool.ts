/** Composites: max, average and global average pooling of x [N, C, H, W]. */
import { defineOp } from '../graph/op';
import type { Value } from '../graph/graph';
import type { TensorType } from '../graph/shape';
import { windowCount } from './conv';

export type PoolAttributes = {
  kernel_shape: readonly [number, number];
  strides: readonly [number, number];
  pads: readonly [number, number, number, number];
};
export type AveragePoolAttributes = PoolAttributes & { count_include_pad: 0 | 1 };

function inferPool(x: TensorType, { kernel_shape, strides, pads }: PoolAttributes): TensorType {
  if (x.shape.length !== 4) throw new Error('expected x [N, C, H, W]');
  const [n, c, h, w] = x.shape as number[];
  const ho = windowCount(h, kernel_shape[0], strides[0], pads[0] + pads[2]);
  const wo = windowCount(w, kernel_shape[1], strides[1], pads[1] + pads[3]);
  return { dtype: x.dtype, shape: [n, c, ho, wo] };
}

const maxPoolOp = defineOp<PoolAttributes>('MaxPool2d', {
  composite: true,
  half: 'follows',
  infer: ([x], attrs) => [inferPool(x, attrs)],
  vjp: ([dy], [x], _outputs, attrs) => [() => maxPoolGradientOp.one([dy, x], attrs)],
});
const maxPoolGradientOp = defineOp<PoolAttributes>('MaxPool2dGradient', {
  composite: true,
  gradientOf: 'MaxPool2d',
  half: 'follows',
  infer: ([, x]) => [x],
});

const averagePoolOp = defineOp<AveragePoolAttributes>('AveragePool2d', {
  composite: true,
  half: { rounds: 0 },
  infer: ([x], attrs) => [inferPool(x, attrs)],
  vjp: ([dy], [x], _outputs, attrs) => [
    () => averagePoolGradientOp.one([dy], { ...attrs, inputShape: x.shape.slice(2) as number[] }),
  ],
});
const averagePoolGradientOp = defineOp<AveragePoolAttributes & { inputShape: readonly number[] }>(
  'AveragePool2dGradient',
  {
    composite: true,
    gradientOf: 'AveragePool2d',
    half: { rounds: 0 },
    infer: ([dy], { inputShape }) => [{ dtype: dy.dtype, shape: [dy.shape[0], dy.shape[1], ...inputShape] }],
  },
);

const globalAveragePoolOp = defineOp<Record<string, never>>('GlobalAveragePool2d', {
  composite: true,
  infer: ([x]) => {
    if (x.shape.length !== 4) throw new Error('expected x [N, C, H, W]');
    return [{ dtype: x.dtype, shape: x.shape.slice(0, 2) }];
  },
  vjp: ([dy], [x]) => [
    () => globalAveragePoolGradientOp.one([dy], { inputShape: x.shape.slice(2) as number[] }),
  ],
});
const globalAveragePoolGradientOp = defineOp<{ inputShape: readonly number[] }>(
  'GlobalAveragePool2dGradient',
  {
    composite: true,
    gradientOf: 'GlobalAveragePool2d',
    half: { rounds: 0 },
    infer: ([dy], { inputShape }) => [{ dtype: dy.dtype, shape: [...dy.shape, ...inputShape] }],
  },
);

export interface PoolOptions {
  readonly stride?: number;
  readonly padding?: number;
}

const poolAttributes = (kernel: number, { stride = kernel, padding = 0 }: PoolOptions): PoolAttributes => {
  if (padding * 2 > kernel) throw new Error(`padding ${padding} is more than half of the window ${kernel}`);
  return {
    kernel_shape: [kernel, kernel],
    strides: [stride, stride],
    pads: [padding, padding, padding, padding],
  };
};

/** Largest element of each window; among equal ones the first gets the gradient. */
export const maxPool2d = (x: Value, kernel: number, options: PoolOptions = {}) =>
  maxPoolOp.one([x], poolAttributes(kernel, options));

/** Mean of each window; padding counts as zeros, or not at all with `countIncludePad: false`. */
export const averagePool2d = (
  x: Value,
  kernel: number,
  options: PoolOptions & { readonly countIncludePad?: boolean } = {},
) =>
  averagePoolOp.one([x], {
    ...poolAttributes(kernel, options),
    count_include_pad: options.countIncludePad === false ? 0 : 1,
  });

/** Mean over height and width: [N, C, H, W] -> [N, C]. */
export const globalAveragePool = (x: Value) => globalAveragePoolOp.one([x], {});
