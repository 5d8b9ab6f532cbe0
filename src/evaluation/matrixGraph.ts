/** Small ONNX graphs for the evaluators' matrix products: the runtime does them at the machine's speed. */
import type { DType, HostTensor } from '../tensors/dtype';
import { encodeModel } from '../onnx/encode';
import { plainModel, type Dim, type OnnxAttribute, type OnnxNode, type OnnxTensor } from '../onnx/model';
import { createModelSession, type GraphSession } from '../runtime/session';

type Ports = Readonly<Record<string, readonly [DType, readonly Dim[]]>>;

export interface MatrixGraph {
  readonly name: string;
  readonly inputs: Ports;
  readonly outputs: Ports;
  readonly constants?: readonly OnnxTensor[];
  readonly nodes: readonly OnnxNode[];
}

/** A node of the standard domain; numbers are integer attributes. */
export function node(
  opType: string,
  inputs: readonly string[],
  outputs: readonly string[],
  integers: Readonly<Record<string, number>> = {},
): OnnxNode {
  const attributes = Object.entries(integers).map(([name, value]): OnnxAttribute => ({
    name,
    type: 'int',
    value,
  }));
  return { name: `${opType}/${outputs[0]}`, opType, domain: '', inputs, outputs, attributes };
}

const values = (ports: Ports) =>
  Object.entries(ports).map(([name, [dtype, shape]]) => ({ name, dtype, shape }));

/** A session of the graph on the CPU; `release` it. */
export function openMatrixGraph(
  { name, inputs, outputs, constants = [], nodes }: MatrixGraph,
  threads: number,
): Promise<GraphSession> {
  const graph = { name, inputs: values(inputs), outputs: values(outputs), initializers: constants, nodes };
  const model = encodeModel(plainModel(graph));
  return createModelSession(name, model, { provider: 'cpu', threads });
}

/** The array of an output that the graph has. */
export function output(results: ReadonlyMap<string, HostTensor>, name: string): HostTensor['data'] {
  const tensor = results.get(name);
  if (!tensor) throw new Error(`the graph gave no ${name}`);
  return tensor.data;
}
