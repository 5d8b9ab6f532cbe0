/** Reductions over axes. */
import { defineOp } from '../graph/op';
import { normalizeAxis, range, type TensorType } from '../graph/shape';
import type { Value } from '../graph/graph';
import { div, equal, cast, mul } from './elementwise';
import { expandLike, reshape } from './shape';

type ReduceAttributes = { keepdims: 0 | 1; axes: readonly number[] };

const inferReduce = ([x]: readonly TensorType[], { axes, keepdims }: ReduceAttributes): TensorType[] => {
  const drop = axes.map((axis) => normalizeAxis(axis, x.shape.length));
  const shape = x.shape.flatMap((d, i) => (drop.includes(i) ? (keepdims ? [1] : []) : [d]));
  return [{ dtype: x.dtype, shape }];
};

/** Puts the reduced axes back as size 1, so that a reduced tensor broadcasts against the input. */
function restoreAxes(y: Value, x: Value, { axes, keepdims }: ReduceAttributes): Value {
  if (keepdims) return y;
  const drop = axes.map((axis) => normalizeAxis(axis, x.rank));
  return reshape(
    y,
    x.shape.map((d, i) => (drop.includes(i) ? 1 : d)),
  );
}

function reduction(type: string, inputsSince: number, rule: (dy: Value, x: Value, y: Value) => Value) {
  const op = defineOp<ReduceAttributes>(type, {
    attributes: { keepdims: 'int' },
    constantInputs: ['axes'],
    inputsSince,
    complete: ({ keepdims = 1, axes = [] }, [{ shape }]) => ({
      keepdims,
      axes: axes.length === 0 ? range(shape.length) : axes.map((axis) => normalizeAxis(axis, shape.length)),
    }),
    infer: (inputs, attrs) => inferReduce(inputs, attrs),
    vjp: ([dy], [x], [y], attrs) => [() => rule(restoreAxes(dy, x, attrs), x, restoreAxes(y, x, attrs))],
  });
  // To ONNX an empty list means all axes; here it means none, which changes nothing.
  return (x: Value, axes: readonly number[] = range(x.rank), keepdims: 0 | 1 = 0) =>
    axes.length === 0 ? x : op.one([x], { axes: axes.map((axis) => normalizeAxis(axis, x.rank)), keepdims });
}

export const reduceSum = reduction('ReduceSum', 13, (dy, x) => expandLike(dy, x));
/** The gradient is spread evenly: dy / count. */
export const reduceMean = reduction('ReduceMean', 18, (dy, x) => {
  const count = (shape: Value['shape']) => shape.reduce<number>((n, d) => n * (d as number), 1);
  return div(expandLike(dy, x), count(x.shape) / count(dy.shape));
});
/** Every element that equals the extreme gets the whole gradient: meant for extremes without ties. */
const ofExtreme = (dy: Value, x: Value, y: Value) => mul(cast(equal(x, expandLike(y, x)), dy.dtype), dy);
export const reduceMax = reduction('ReduceMax', 18, ofExtreme);
export const reduceMin = reduction('ReduceMin', 18, ofExtreme);
