/** ONNX's own operators that lowering, exports and evaluators write: all but Identity have no gradient of their own. */
import { defineOp } from '../graph/op';
import type { Value } from '../graph/graph';
import { knownElements, normalizeAxis, times, type TensorType } from '../graph/shape';
import type { Dim } from '../onnx/model';
import { windowCount, type ConvAttributes } from './conv';
import type { AveragePoolAttributes, PoolAttributes } from './pool';

const NO_PADS = [0, 0, 0, 0] as const;

/** Multiply-adds of a convolution whose larger map is `map`: each of its elements meets a kernel of one channel. */
const convolved = (map: TensorType, w: TensorType) =>
  (knownElements(map) * knownElements(w)) / (w.shape[0] as number);

const convOp = defineOp<ConvAttributes>('Conv', {
  attributes: { strides: 'ints', pads: 'ints', dilations: 'ints', group: 'int' },
  complete: ({ strides = [1, 1], pads = NO_PADS, dilations = [1, 1], group = 1 }) => ({
    strides,
    pads,
    dilations,
    group,
  }),
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

const completePool = ({ kernel_shape, strides = [1, 1], pads = NO_PADS }: Partial<PoolAttributes>) => {
  if (!kernel_shape) throw new Error('expected a kernel_shape');
  return { kernel_shape, strides, pads };
};

const maxPoolOp = defineOp<PoolAttributes>('MaxPool', {
  attributes: POOL,
  complete: completePool,
  infer: ([x], attrs) => {
    const y = pooled(x, attrs);
    return [y, { dtype: 'int64', shape: y.shape }];
  },
});
/** The maxima of x [N, C, H, W], and their places in the flattened x. */
export const maxPool = (x: Value, attrs: PoolAttributes): Value[] => maxPoolOp.call([x], attrs);

const averagePoolOp = defineOp<AveragePoolAttributes>('AveragePool', {
  attributes: { ...POOL, count_include_pad: 'int' },
  complete: ({ count_include_pad = 0, ...pool }) => ({ ...completePool(pool), count_include_pad }),
  infer: ([x], attrs) => [pooled(x, attrs)],
});
export const averagePool = (x: Value, attrs: AveragePoolAttributes): Value => averagePoolOp.one([x], attrs);

type Epsilon = { epsilon: number };

const EPSILON = 1e-5;

const batchNormalizationOp = defineOp<Epsilon>('BatchNormalization', {
  attributes: { epsilon: 'float' },
  complete: ({ epsilon = EPSILON }) => ({ epsilon }),
  infer: ([x]) => [x],
});
/** In inference: (x, scale, bias, mean, variance), all but x [C]. */
export const batchNormalization = (inputs: readonly Value[], epsilon: number): Value =>
  batchNormalizationOp.one(inputs, { epsilon });

const layerNormalizationOp = defineOp<Epsilon & { axis: number }>('LayerNormalization', {
  attributes: { epsilon: 'float', axis: 'int' },
  complete: ({ epsilon = EPSILON, axis = -1 }) => ({ epsilon, axis }),
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
  complete: ({ alpha = 0.2, beta = 0.5 }) => ({ alpha, beta }),
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

const rangeOp = defineOp<{ length: Dim }>('Range', {
  attributes: { length: 'builder' },
  infer: ([{ dtype }], { length }) => [{ dtype, shape: [length] }],
});
/** 0, 1, ... below `limit` (a scalar), whose size is `length`. */
export function rangeTo(limit: Value, length: Dim): Value {
  const number = (n: number) => limit.graph.scalar(n, limit.dtype);
  return rangeOp.one([number(0), limit, number(1)], { length });
}

const globalPoolOp = defineOp<Record<string, never>>('GlobalAveragePool', {
  infer: ([{ dtype, shape }]) => [{ dtype, shape: [...shape.slice(0, 2), ...shape.slice(2).map(() => 1)] }],
});
/** [N, C, H, W] -> [N, C, 1, 1] */
export const globalAveragePooled = (x: Value): Value => globalPoolOp.one([x], {});

const flattenOp = defineOp<{ axis: number }>('Flatten', {
  moves: true,
  view: true,
  attributes: { axis: 'int' },
  complete: ({ axis = 1 }) => ({ axis }),
  infer: ([{ dtype, shape }], { axis }) => {
    const merged = (part: readonly Dim[]) => part.reduce<Dim>(product, 1);
    return [{ dtype, shape: [merged(shape.slice(0, axis)), merged(shape.slice(axis))] }];
  },
});
const product = (a: Dim, b: Dim): Dim => {
  if (typeof a === 'number') return a === 1 ? b : times(b, a);
  if (typeof b === 'number') return times(a, b);
  throw new Error('expected at most one symbolic size on each side');
};
/** [N, ...] -> [N, product of the rest] */
export const flattenRows = (x: Value): Value => flattenOp.one([x], { axis: 1 });

const topKOp = defineOp<{ k: readonly number[]; axis: number; largest: 0 | 1; sorted: 0 | 1 }>('TopK', {
  attributes: { axis: 'int', largest: 'int', sorted: 'int' },
  constantInputs: ['k'],
  complete: ({ k = [], axis = -1, largest = 1, sorted = 1 }, [{ shape }]) => ({
    k,
    axis: normalizeAxis(axis, shape.length),
    largest,
    sorted,
  }),
  infer: ([x], { k: [k], axis }) => {
    const shape = x.shape.map((d, i) => (i === axis ? k : d));
    return [
      { dtype: x.dtype, shape },
      { dtype: 'int64', shape },
    ];
  },
});
/** The k largest along the last axis, the largest first and of equals the one that comes first, and their places (int64). */
export function topK(x: Value, k: number): [values: Value, places: Value] {
  const [values, places] = topKOp.call([x], { k: [k], axis: x.rank - 1, largest: 1, sorted: 1 });
  return [values, places];
}
