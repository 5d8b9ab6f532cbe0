/** Consistency training on unlabelled images: FixMatch (Sohn et al. 2020, arXiv:2001.07685, section 2.2). */
import type { Recipe } from '../../src/bundle/recipe';
import type { Value } from '../../src/graph/graph';
import { cast, greaterOrEqual, mul, neg } from '../../src/ops/elementwise';
import { reduceMax, reduceSum } from '../../src/ops/reduce';
import { logSoftmax, softmax } from '../../src/ops/softmax';

/**
 * For each unlabelled image, with q its weakly augmented form's class probabilities:
 * 1(max q >= threshold) CE(argmax q, strong logits).
 * @param weak logits [M, K]: only comparisons are made with them, so no gradient flows there
 * @param strong logits [M, K]
 * @returns the loss and whether the image counted (0 or 1), both [M]
 */
export function consistencyLoss(weak: Value, strong: Value, { threshold }: Recipe['consistency']) {
  const probabilities = softmax(weak, 1);
  const largest = reduceMax(probabilities, [1], 1);
  const confident = cast(greaterOrEqual(largest, threshold), weak.dtype);
  // one-hot but for exact ties
  const pseudoLabel = cast(greaterOrEqual(probabilities, largest), weak.dtype);
  const kept = mul(pseudoLabel, confident);
  return {
    loss: neg(reduceSum(mul(logSoftmax(strong, 1), kept), [1])),
    confident: reduceSum(confident, [1]),
  };
}
