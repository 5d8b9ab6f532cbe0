/** mixup (Zhang et al. 2018, arXiv:1710.09412): each example mixed with the one at its place from the batch's other end. */
import type { Value } from '../../src/graph/graph';
import { add, mul, sub } from '../../src/ops/elementwise';
import { gather } from '../../src/ops/gather';

/** The batch in reverse order, as timm pairs examples. */
function reversed(x: Value): Value {
  const size = x.shape[0] as number;
  const order = Array.from({ length: size }, (_, i) => size - 1 - i);
  return gather(x, x.graph.constant('int64', [size], order));
}

/** w x + (1 - w) reversed(x) over the batch axis, for a scalar weight w. */
export const mix = (x: Value, weight: Value): Value => {
  const partner = reversed(x);
  return add(partner, mul(sub(x, partner), weight));
};

/** What `measure` gives for the examples' own labels [B] and for their partners', mixed like the images: [B]. */
export const mixOver = (labels: Value, weight: Value, measure: (labels: Value) => Value): Value => {
  const partner = measure(reversed(labels));
  return add(partner, mul(sub(measure(labels), partner), weight));
};
