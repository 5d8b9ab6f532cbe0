/**
 * The sum of two pointwise convolutions is one convolution of their inputs side by side: W x + V y = [W V] [x; y]. The
 * block's last convolution and its projected shortcut are such a pair; one pass over the widest tensor of the block instead
 * of three. A strided one reads its input through a 1 x 1 max-pool with that stride, which only picks pixels.
 */
import { append } from '../../base/lists';
import type { OnnxAttribute, OnnxGraph, OnnxNode, OnnxTensor } from '../../onnx/model';
import { attribute, constant, derivedName, floats, indexOf, ints } from './nodes';
import { onlyUse, ownConstant, withoutUnused, type GraphIndex } from './nodes';

interface Pointwise {
  readonly node: OnnxNode;
  /** [out, in, 1, 1] */
  readonly weight: OnnxTensor;
  /** [out] */
  readonly bias: OnnxTensor | null;
  readonly strides: readonly number[];
}

function pointwise(index: GraphIndex, value: string): Pointwise | null {
  const node = onlyUse(index, value, 'Conv');
  const weight = node && ownConstant(index, node.inputs[1]);
  if (!weight || weight.shape.length !== 4 || weight.shape[2] !== 1 || weight.shape[3] !== 1) return null;
  if (((attribute(node, 'group') as number | undefined) ?? 1) !== 1) return null;
  if (ints(node, 'pads').some((pad) => pad !== 0) || attribute(node, 'auto_pad') !== undefined) return null;
  const bias = node.inputs[2] ? constant(index, node.inputs[2]) : null;
  if (node.inputs[2] && !bias) return null;
  const strides = ints(node, 'strides');
  return { node, weight, bias, strides: strides.length === 2 ? strides : [1, 1] };
}

export function mergeShortcut(graph: OnnxGraph): OnnxGraph {
  const index = indexOf(graph);
  const replaced = new Map<OnnxNode, readonly OnnxNode[]>();
  const made: OnnxTensor[] = [];
  for (const sum of graph.nodes) {
    if (sum.opType !== 'Add') continue;
    const [a, b] = sum.inputs.map((value) => pointwise(index, value));
    if (!a || !b || a.node === b.node || a.weight.shape[0] !== b.weight.shape[0]) continue;
    const tensors = merge(a, b);
    append(made, tensors);
    replaced.set(a.node, []);
    replaced.set(b.node, []);
    replaced.set(sum, lower([a, b], sum, tensors));
  }
  const nodes = graph.nodes.flatMap((node) => replaced.get(node) ?? [node]);
  return withoutUnused({ ...graph, nodes, initializers: [...graph.initializers, ...made] });
}

const list = (name: string, value: readonly number[]): OnnxAttribute => ({ name, type: 'ints', value });

function lower(pair: readonly Pointwise[], sum: OnnxNode, tensors: readonly OnnxTensor[]): OnnxNode[] {
  const nodes: OnnxNode[] = [];
  const add = (opType: string, inputs: readonly string[], output: string, attributes: OnnxAttribute[]) => {
    nodes.push({ name: output, opType, domain: '', inputs, outputs: [output], attributes });
    return output;
  };
  const inputs = pair.map(({ node, strides }) =>
    strides.every((stride) => stride === 1)
      ? node.inputs[0]
      : add('MaxPool', [node.inputs[0]], `${node.name}/picked`, [
          list('kernel_shape', [1, 1]),
          list('strides', strides),
        ]),
  );
  const joined = add('Concat', inputs, `${sum.name}/joined`, [{ name: 'axis', type: 'int', value: 1 }]);
  add('Conv', [joined, ...tensors.map(({ name }) => name)], sum.outputs[0], [list('kernel_shape', [1, 1])]);
  return nodes;
}

/** Weight [out, inA + inB, 1, 1] and, where one of them has one, bias [out]. */
function merge(a: Pointwise, b: Pointwise): OnnxTensor[] {
  const [out, inA] = a.weight.shape;
  const inB = b.weight.shape[1];
  const data = new Float32Array(out * (inA + inB));
  for (let o = 0; o < out; o++) {
    data.set(floats(a.weight).subarray(o * inA, (o + 1) * inA), o * (inA + inB));
    data.set(floats(b.weight).subarray(o * inB, (o + 1) * inB), o * (inA + inB) + inA);
  }
  const named = (field: string) => derivedName(a.weight.name.replace('.folded', ''), 'merged', field);
  const weight: OnnxTensor = { name: named('weight'), dtype: 'float32', shape: [out, inA + inB, 1, 1], data };
  const biases = [a.bias, b.bias].filter((bias) => bias !== null);
  if (biases.length === 0) return [weight];
  const sum = Float32Array.from({ length: out }, (_, o) =>
    biases.reduce((s, bias) => s + floats(bias)[o], 0),
  );
  return [weight, { name: named('bias'), dtype: 'float32', shape: [out], data: sum }];
}
