/**
 * Batch norm after a convolution becomes part of its weight and bias:
 * a (W x + b - mean) + beta = (a W) x + (a (b - mean) + beta) with a = scale / sqrt(variance + epsilon), for each output
 * channel. In pre-activation networks that is every norm but those that read the residual stream.
 */
import { append } from '../../base/lists';
import type { OnnxGraph, OnnxNode, OnnxTensor } from '../../onnx/model';
import {
  attribute,
  constant,
  derivedName,
  floats,
  indexOf,
  onlyUse,
  ownConstant,
  withoutUnused,
} from './nodes';

/** ONNX's default. */
const EPSILON = 1e-5;

export function foldBatchNorm(graph: OnnxGraph): OnnxGraph {
  const index = indexOf(graph);
  const replaced = new Map<OnnxNode, OnnxNode | null>();
  const made: OnnxTensor[] = [];
  for (const norm of graph.nodes) {
    if (norm.opType !== 'BatchNormalization') continue;
    const conv = onlyUse(index, norm.inputs[0], 'Conv');
    if (!conv) continue;
    const statistics = norm.inputs.slice(1).map((name) => constant(index, name));
    const tensors = [ownConstant(index, conv.inputs[1]), ...statistics];
    if (!tensors.every((tensor) => tensor !== null)) continue;
    const bias = conv.inputs[2] ? constant(index, conv.inputs[2]) : undefined;
    if (bias === null) continue;
    const folded = fold(tensors, bias, (attribute(norm, 'epsilon') as number | undefined) ?? EPSILON);
    append(made, folded);
    const inputs = [conv.inputs[0], ...folded.map(({ name }) => name)];
    replaced.set(conv, { ...conv, inputs, outputs: norm.outputs });
    replaced.set(norm, null);
  }
  const nodes = graph.nodes.flatMap((node) => replaced.get(node) ?? (replaced.has(node) ? [] : node));
  return withoutUnused({ ...graph, nodes, initializers: [...graph.initializers, ...made] });
}

/** In float64, rounded once. */
function fold(
  [weight, scale, shift, mean, variance]: readonly OnnxTensor[],
  bias: OnnxTensor | undefined,
  epsilon: number,
): [OnnxTensor, OnnxTensor] {
  const channels = weight.shape[0];
  const size = floats(weight).length / channels;
  const factor = (o: number) => floats(scale)[o] / Math.sqrt(floats(variance)[o] + epsilon);
  const offset = (o: number) => (bias ? floats(bias)[o] : 0) - floats(mean)[o];
  const factors = Array.from({ length: channels }, (_, o) => factor(o));
  return [
    {
      ...weight,
      name: derivedName(weight.name, 'folded', 'weight'),
      data: floats(weight).map((w, i) => w * factors[Math.floor(i / size)]),
    },
    {
      ...scale,
      name: derivedName(weight.name, 'folded', 'bias'),
      data: floats(shift).map((beta, o) => factors[o] * offset(o) + beta),
    },
  ];
}
