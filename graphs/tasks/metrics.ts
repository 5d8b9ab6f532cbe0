/** Accuracy of a batch, in the graph. */
import type { Value } from '../../src/graph/graph';
import { add, and, cast, equal, greater, less, mul } from '../../src/ops/elementwise';
import { reduceSum } from '../../src/ops/reduce';
import { reshape } from '../../src/ops/shape';
import { oneHot } from '../../src/ops/softmax';

/**
 * 1 where the label is among the k largest logits, else 0: logits [M, K], labels [M] -> [M]. Among equal logits the one
 * with the lower index comes first, so that constant logits score chance and not 100 %.
 */
export function hits(logits: Value, labels: Value, k: number): Value {
  const classes = logits.shape[1] as number;
  const own = reduceSum(mul(logits, oneHot(labels, classes, logits.dtype)), [1], 1);
  const index = logits.graph.constant(
    'int64',
    [1, classes],
    Array.from({ length: classes }, (_, i) => i),
  );
  const earlier = less(index, reshape(labels, [labels.shape[0], 1]));
  const before = add(
    cast(greater(logits, own), logits.dtype),
    cast(and(equal(logits, own), earlier), logits.dtype),
  );
  return cast(less(reduceSum(before, [1]), k), logits.dtype);
}
