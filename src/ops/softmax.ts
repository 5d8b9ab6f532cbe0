/** Softmax and the losses on top of it. */
import { defineOp } from '../graph/op';
import { normalizeAxis } from '../graph/shape';
import type { OpDefinition, Value } from '../graph/graph';
import { add, cast, equal, exp, mul, neg, sub } from './elementwise';
import { reduceSum } from './reduce';
import { reshape } from './shape';

type Axis = { axis: number };

const AXIS: Pick<OpDefinition<Axis>, 'attributes' | 'complete'> = {
  attributes: { axis: 'int' },
  complete: ({ axis = -1 }, [{ shape }]) => ({ axis: normalizeAxis(axis, shape.length) }),
};

const softmaxOp = defineOp<Axis>('Softmax', {
  ...AXIS,
  infer: ([x]) => [x],
  // dx = y (dy - sum(dy y))
  vjp: ([dy], _inputs, [y], { axis }) => [
    () => {
      const weighted = mul(dy, y);
      return sub(weighted, mul(y, reduceSum(weighted, [axis], 1)));
    },
  ],
});
export const softmax = (x: Value, axis = -1) => softmaxOp.one([x], { axis: normalizeAxis(axis, x.rank) });

const logSoftmaxOp = defineOp<Axis>('LogSoftmax', {
  ...AXIS,
  infer: ([x]) => [x],
  // dx = dy - softmax(x) sum(dy)
  vjp: ([dy], _inputs, [y], { axis }) => [() => sub(dy, mul(exp(y), reduceSum(dy, [axis], 1)))],
});
export const logSoftmax = (x: Value, axis = -1) =>
  logSoftmaxOp.one([x], { axis: normalizeAxis(axis, x.rank) });

/** 1 where the class index equals the label, else 0: int64 or int32 labels [M] -> [M, classes] of `dtype`. */
export function oneHot(labels: Value, classes: number, dtype: Value['dtype']): Value {
  const index = labels.graph.constant(
    labels.dtype,
    [1, classes],
    Array.from({ length: classes }, (_, i) => i),
  );
  return cast(equal(reshape(labels, [labels.shape[0], 1]), index), dtype);
}

/**
 * Softmax cross-entropy of each example: logits [M, K], int64 labels [M] -> [M]. With smoothing s the target is
 * (1 - s) onehot + s / K, as in torch.nn.CrossEntropyLoss.
 */
export function crossEntropy(logits: Value, labels: Value, smoothing = 0): Value {
  const classes = logits.shape[1] as number;
  const target = oneHot(labels, classes, logits.dtype);
  const smooth = smoothing === 0 ? target : add(mul(target, 1 - smoothing), smoothing / classes);
  return neg(reduceSum(mul(logSoftmax(logits, 1), smooth), [1]));
}
