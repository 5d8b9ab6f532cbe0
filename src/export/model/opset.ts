/** An exported model for an older or newer opset of the standard domain: only what changed between them. */
import type { OnnxGraph, OnnxModel, OnnxNode, OnnxTensor } from '../../onnx/model';
import { attribute, constant, indexOf, newNode, withoutUnused } from './nodes';

export const OPSETS = { first: 13, last: 21 } as const;

/** The IR version that came with an opset. */
const irVersion = (opset: number) => (opset < 15 ? 7 : opset < 19 ? 8 : opset < 21 ? 9 : 10);

/** Operators whose axes became an input in opset 18; ReduceSum's did in 13. */
const REDUCTIONS = new Set(['ReduceMean', 'ReduceMin', 'ReduceMax', 'ReduceProd']);

/** A model of opset 18 as one of `opset`, 13 to 21. */
export function toOpset(model: OnnxModel, opset: number): OnnxModel {
  let { graph } = model;
  if (opset < 14) graph = withoutBatchNormalization(graph);
  if (opset < 17) graph = withoutLayerNormalization(graph);
  if (opset < 18) graph = withAxesAttribute(graph);
  return { ...model, irVersion: irVersion(opset), opsets: [{ domain: '', version: opset }], graph };
}

/** a x + b: before opset 14 the number of outputs alone tells inference from training, and not all runtimes heed it. */
function withoutBatchNormalization(graph: OnnxGraph): OnnxGraph {
  const index = indexOf(graph);
  const initializers: OnnxTensor[] = [];
  const nodes = graph.nodes.flatMap((node): OnnxNode[] => {
    if (node.opType !== 'BatchNormalization') return [node];
    const [x, ...names] = node.inputs;
    const [weight, bias, mean, variance] = names.map((name) => constant(index, name)?.data as Float32Array);
    const epsilon = Number(attribute(node, 'epsilon') ?? 1e-5);
    const slope = weight.map((w, i) => w / Math.sqrt(variance[i] + epsilon));
    const column = (name: string, data: Float32Array) => {
      initializers.push({ name: `${node.name}/${name}`, dtype: 'float32', shape: [data.length, 1, 1], data });
      return `${node.name}/${name}`;
    };
    const scaled = `${node.name}/scaled`;
    return [
      newNode(scaled, 'Mul', [x, column('slope', slope)]),
      newNode(node.outputs[0], 'Add', [
        scaled,
        column(
          'shift',
          bias.map((b, i) => b - mean[i] * slope[i]),
        ),
      ]),
    ];
  });
  return withoutUnused({ ...graph, nodes, initializers: [...graph.initializers, ...initializers] });
}

/** (x - mean) / sqrt(variance + epsilon) * weight + bias over the last axis, in operators that opset 13 has. */
function withoutLayerNormalization(graph: OnnxGraph): OnnxGraph {
  const initializers: OnnxTensor[] = [];
  const nodes = graph.nodes.flatMap((node): OnnxNode[] => {
    if (node.opType !== 'LayerNormalization') return [node];
    const [x, weight, bias] = node.inputs;
    const [y] = node.outputs;
    if ((attribute(node, 'axis') ?? -1) !== -1) throw new Error(`${node.name}: expected the last axis`);
    const at = (name: string) => `${node.name}/${name}`;
    const epsilon = Number(attribute(node, 'epsilon') ?? 1e-5);
    initializers.push({ name: at('epsilon'), dtype: 'float32', shape: [], data: Float32Array.of(epsilon) });
    const mean = (name: string, of: string) =>
      newNode(at(name), 'ReduceMean', [of], [{ name: 'axes', type: 'ints', value: [-1] }]);
    return [
      mean('mean', x),
      newNode(at('centered'), 'Sub', [x, at('mean')]),
      newNode(at('squared'), 'Mul', [at('centered'), at('centered')]),
      mean('variance', at('squared')),
      newNode(at('positive'), 'Add', [at('variance'), at('epsilon')]),
      newNode(at('deviation'), 'Sqrt', [at('positive')]),
      newNode(at('normalized'), 'Div', [at('centered'), at('deviation')]),
      newNode(at('scaled'), 'Mul', [at('normalized'), weight]),
      newNode(y, 'Add', [at('scaled'), bias]),
    ];
  });
  return { ...graph, nodes, initializers: [...graph.initializers, ...initializers] };
}

function withAxesAttribute(graph: OnnxGraph): OnnxGraph {
  const initializer = new Map(graph.initializers.map((tensor) => [tensor.name, tensor]));
  const nodes = graph.nodes.map((node): OnnxNode => {
    const [x, axes] = node.inputs;
    if (!REDUCTIONS.has(node.opType) || !axes) return node;
    const values = initializer.get(axes);
    if (!values) throw new Error(`${node.name}: its axes are computed`);
    return {
      ...node,
      inputs: [x],
      attributes: [
        ...node.attributes,
        { name: 'axes', type: 'ints', value: Array.from(values.data, Number) },
      ],
    };
  });
  return withoutUnused({ ...graph, nodes });
}
