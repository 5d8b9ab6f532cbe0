/**
 * Batch norm after a convolution becomes part of its weight and bias:
 * a (W x + b - mean) + beta = (a W) x + (a (b - mean) + beta) with a = scale / sqrt(variance + epsilon), for each output
 * channel. In pre-activation networks that is every norm but those that read the residual stream.
 */
import type { Graph, Value } from '../../graph/graph';
import type { ConvAttributes } from '../../ops/conv';
import { conv } from '../../ops/onnx';
import { rewrite } from '../../passes/rewrite';
import { Uses } from '../../passes/uses';
import { derived, floats, ownFloats } from './constants';

export function foldBatchNorm(graph: Graph): Graph {
  const uses = new Uses(graph);
  return rewrite(graph, (norm, _inputs, target, translate) => {
    if (norm.op.type !== 'BatchNormalization') return null;
    const [x, ...vectors] = norm.inputs;
    const convolution = uses.onlyUse(x, 'Conv');
    if (!convolution) return null;
    const [input, kernel, offset] = convolution.inputs as [Value, Value, Value | undefined];
    const weight = ownFloats(uses, kernel);
    const [scale, shift, mean, variance] = vectors.map(floats);
    const bias = floats(offset);
    if (!weight || !scale || !shift || !mean || !variance || (offset && !bias)) return null;
    // In float64, rounded once.
    const factors = Array.from(scale, (s, o) => s / Math.sqrt(variance[o] + (norm.attrs.epsilon as number)));
    const size = weight.length / factors.length;
    const weights = weight.map((w, i) => w * factors[Math.floor(i / size)]);
    const biases = shift.map((beta, o) => factors[o] * ((bias?.[o] ?? 0) - mean[o]) + beta);
    const folded = (field: string, shape: readonly number[], data: Float32Array) =>
      derived(target, kernel, 'folded', field, shape, data);
    return target.instead(convolution, () => [
      conv(
        translate(input),
        folded('weight', kernel.shape as number[], weights),
        convolution.attrs as ConvAttributes,
        folded('bias', [factors.length], biases),
      ),
    ]);
  });
}
