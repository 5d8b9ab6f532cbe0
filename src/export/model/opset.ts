/** An exported model in operators that an older opset of the standard domain has; emission knows the rest. */
import type { Graph, Value } from '../../graph/graph';
import { add, div, mul, sqrt, sub } from '../../ops/elementwise';
import { reduceMean } from '../../ops/reduce';
import { rewrite } from '../../passes/rewrite';
import { floats } from './constants';

export const OPSETS = { first: 13, last: 21 } as const;

/** The graph for `opset`, 13 to 21. */
export function forOpset(graph: Graph, opset: number): Graph {
  if (opset >= 17) return graph;
  return rewrite(graph, ({ op, attrs }, inputs) => {
    const epsilon = attrs.epsilon as number;
    if (op.type === 'LayerNormalization') return [layerNorm(inputs as Value[], epsilon)];
    // Before opset 14 the number of outputs alone tells inference from training, and not all runtimes heed it.
    if (op.type === 'BatchNormalization' && opset < 14) return [batchNorm(inputs as Value[], epsilon)];
    return null;
  });
}

/** a x + b */
function batchNorm([x, ...vectors]: readonly Value[], epsilon: number): Value {
  const [weight, bias, mean, variance] = vectors.map(floats);
  if (!weight || !bias || !mean || !variance) throw new Error('the statistics of a batch norm are computed');
  const slope = weight.map((w, i) => w / Math.sqrt(variance[i] + epsilon));
  const shift = bias.map((b, i) => b - mean[i] * slope[i]);
  const column = (data: Float32Array) => x.graph.tensor('float32', [data.length, 1, 1], data);
  return add(mul(x, column(slope)), column(shift));
}

/** (x - mean) / sqrt(variance + epsilon) * weight + bias over the last axis */
function layerNorm([x, weight, bias]: readonly Value[], epsilon: number): Value {
  const last = [x.rank - 1];
  const centered = sub(x, reduceMean(x, last, 1));
  const variance = reduceMean(mul(centered, centered), last, 1);
  return add(mul(div(centered, sqrt(add(variance, epsilon))), weight), bias);
}
