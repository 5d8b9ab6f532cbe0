/** ONNX's own operators that composites become in lowering: all but Identity have no gradient of their own. */
import { defineOp } from '../graph/op';
import type { Value } from '../graph/graph';
import { knownElements, type TensorType } from '../graph/shape';
import { windowCount, type ConvAttributes } from './conv';
import type { AveragePoolAttributes, PoolAttributes } from './pool';

/** Multiply-adds of a convolution whose larger map is `map`: each of its elements meets a kernel of one channel. */
const convolved = (map: TensorType, w: TensorType) =>
  (knownElements(map) * knownElements(w)) / (w.shape[0] as number);

const convOp = defineOp<ConvAttributes>('Conv', {
  attributes: { strides: 'ints', pads: 'ints', dilations: 'ints', group: 'int' },
  multiplyAdds: ([, w], [y]) => convolved(y, w),
  infer: ([x, w], { strides, pads, dilations }) => {
    const [n, , h, width] = x.shape;
    const [o, , kh, kw] = w.shape as number[];
    const ho = windowCount(h as number, kh, strides[0], pads[0] + pads[2], dilations[0]);
    const wo = windowCount(width as number, kw, strides[1], pads[1] + pads[3], dilations[1]);
    return [{ dtype: x.dtype, shape: [n, o, ho, wo] }];
  },
});
/** x [N, C, H, W], w [O, C/group, kh, kw], and a bias [O] or none. */
export const conv = (x: Value, w: Value, attrs: ConvAttributes, bias: Value | null = null): Value =>
  convOp.one(bias ? [x, w, bias] : [x, w], attrs);

type ConvTransposeAttributes = ConvAttributes & { output_padding: readonly [number, number] };

const convTransposeOp = defineOp<ConvTransposeAttributes>('ConvTranspose', {
  attributes: { strides: 'ints', pads: 'ints', dilations: 'ints', output_padding: 'ints', group: 'int' },
  multiplyAdds: ([x, w]) => convolved(x, w),
  infer: ([x, w], { strides, pads, dilations, output_padding, group }) => {
    const [n, , ...size] = x.shape as number[];
    const [, cg, ...kernel] = w.shape as number[];
    const length = (axis: 0 | 1) =>
      (size[axis] - 1) * strides[axis] +
      output_padding[axis] +
      dilations[axis] * (kernel[axis] - 1) +
      1 -
      pads[axis] -
      pads[axis + 2];
    return [{ dtype: x.dtype, shape: [n, cg * group, length(0), length(1)] }];
  },
});
export const convTranspose = (x: Value, w: Value, attrs: ConvTransposeAttributes): Value =>
  convTransposeOp.one([x, w], attrs);

const pooled = ({ dtype, shape: [n, c, h, w] }: TensorType, attrs: PoolAttributes): TensorType => {
  const { kernel_shape: kernel, strides, pads } = attrs;
  const ho = windowCount(h as number, kernel[0], strides[0], pads[0] + pads[2]);
  const wo = windowCount(w as number, kernel[1], strides[1], pads[1] + pads[3]);
  return { dtype, shape: [n, c, ho, wo] };
};

const POOL = { kernel_shape: 'ints', strides: 'ints', pads: 'ints' } as const;

const maxPoolOp = defineOp<PoolAttributes>('MaxPool', {
  attributes: POOL,
  infer: ([x], attrs) => {
    const y = pooled(x, attrs);
    return [y, { dtype: 'int64', shape: y.shape }];
  },
});
/** The maxima of x [N, C, H, W], and their places in the flattened x. */
export const maxPool = (x: Value, attrs: PoolAttributes): Value[] => maxPoolOp.call([x], attrs);

const averagePoolOp = defineOp<AveragePoolAttributes>('AveragePool', {
  attributes: { ...POOL, count_include_pad: 'int' },
  infer: ([x], attrs) => [pooled(x, attrs)],
});
export const averagePool = (x: Value, attrs: AveragePoolAttributes): Value => averagePoolOp.one([x], attrs);

type Epsilon = { epsilon: number };

const batchNormalizationOp = defineOp<Epsilon>('BatchNormalization', {
  attributes: { epsilon: 'float' },
  infer: ([x]) => [x],
});
/** In inference: (x, scale, bias, mean, variance), all but x [C]. */
export const batchNormalization = (inputs: readonly Value[], epsilon: number): Value =>
  batchNormalizationOp.one(inputs, { epsilon });

const layerNormalizationOp = defineOp<Epsilon & { axis: number }>('LayerNormalization', {
  attributes: { epsilon: 'float', axis: 'int' },
  infer: ([x]) => {
    const row = { dtype: x.dtype, shape: [...x.shape.slice(0, -1), 1] };
    return [x, row, row];
  },
});
/** Over the last axis: (x, scale, bias) -> y, mean, 1 / deviation. */
export const layerNormalization = (inputs: readonly Value[], epsilon: number): Value[] =>
  layerNormalizationOp.call(inputs, { epsilon, axis: -1 });

const hardSigmoidOp = defineOp<{ alpha: number; beta: number }>('HardSigmoid', {
  elementwise: true,
  attributes: { alpha: 'float', beta: 'float' },
  infer: ([x]) => [x],
});
/** max(0, min(1, alpha x + beta)) */
export const hardSigmoid = (x: Value, alpha: number, beta: number): Value =>
  hardSigmoidOp.one([x], { alpha, beta });

const identityOp = defineOp<Record<string, never>>('Identity', {
  elementwise: true,
  view: true,
  half: 'follows',
  infer: ([x]) => [x],
  vjp: ([dy]) => [() => dy],
});
export const identity = (x: Value): Value => identityOp.one([x], {});

const shapeOp = defineOp<Record<string, never>>('Shape', {
  infer: ([x]) => [{ dtype: 'int64', shape: [x.shape.length] }],
});
/** The sizes of x, int64 [rank]: for sizes that are known only at run time. */
export const shapeOf = (x: Value): Value => shapeOp.one([x], {});
