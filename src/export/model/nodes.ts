/** Questions about the nodes of an ONNX graph, for the rewrites of an exported model. */
import type { HostTensor } from '../../tensors/dtype';
import type { OnnxAttribute, OnnxGraph, OnnxNode, OnnxTensor } from '../../onnx/model';

export interface GraphIndex {
  /** value -> the node that makes it */
  readonly producer: ReadonlyMap<string, OnnxNode>;
  /** value -> how many nodes and outputs take it */
  readonly uses: ReadonlyMap<string, number>;
  readonly initializer: ReadonlyMap<string, OnnxTensor>;
}

export function indexOf(graph: OnnxGraph): GraphIndex {
  const uses = new Map<string, number>();
  const taken = [...graph.nodes.flatMap((node) => node.inputs), ...graph.outputs.map(({ name }) => name)];
  for (const name of taken) uses.set(name, (uses.get(name) ?? 0) + 1);
  return {
    producer: new Map(graph.nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const))),
    uses,
    initializer: new Map(graph.initializers.map((tensor) => [tensor.name, tensor])),
  };
}

/** The node of type `opType` that makes `value` where nothing else takes it. */
export function onlyUse({ producer, uses }: GraphIndex, value: string, opType: string): OnnxNode | null {
  const node = producer.get(value);
  return node?.opType === opType && uses.get(value) === 1 ? node : null;
}

/** The one taker of `value`, where it is a node of type `opType`. */
export function onlyUser(
  graph: OnnxGraph,
  { uses }: GraphIndex,
  value: string,
  opType: string,
): OnnxNode | null {
  const node = graph.nodes.find(({ inputs }) => inputs.includes(value));
  return node?.opType === opType && uses.get(value) === 1 ? node : null;
}

/** A node of the standard domain, named as the one value that it makes. */
export const newNode = (
  output: string,
  opType: string,
  inputs: readonly string[],
  attributes: OnnxNode['attributes'] = [],
): OnnxNode => ({ name: output, opType, domain: '', inputs, outputs: [output], attributes });

/** The nodes up to the one that makes `value` (none, where it is an input), and those behind. */
export function splitBehind(graph: OnnxGraph, value: string): [before: OnnxNode[], behind: OnnxNode[]] {
  const begin = graph.nodes.findIndex(({ outputs }) => outputs.includes(value)) + 1;
  return [graph.nodes.slice(0, begin), graph.nodes.slice(begin)];
}

/** A float32 initializer. */
export function constant({ initializer }: GraphIndex, name: string | undefined): OnnxTensor | null {
  const tensor = name === undefined ? undefined : initializer.get(name);
  return tensor?.dtype === 'float32' ? tensor : null;
}

/** The float32 initializer that only this one node takes: the one whose values a rewrite may change with it. */
export function ownConstant(index: GraphIndex, name: string): OnnxTensor | null {
  return index.uses.get(name) === 1 ? constant(index, name) : null;
}

export function attribute(node: OnnxNode, name: string): OnnxAttribute['value'] | undefined {
  return node.attributes.find((a) => a.name === name)?.value;
}

export const ints = (node: OnnxNode, name: string): readonly number[] =>
  (attribute(node, name) as readonly number[] | undefined) ?? [];

export const floats = ({ data }: HostTensor): Float32Array => data as Float32Array;

/** `layer1.0.conv1.weight`, `folded`, `bias` -> `layer1.0.conv1.folded.bias`. */
export const derivedName = (weight: string, what: string, field: string): string =>
  `${weight.replace(/\.weight$/, '')}.${what}.${field}`;

/** The graph without the initializers that no node takes. */
export function withoutUnused(graph: OnnxGraph): OnnxGraph {
  const { uses } = indexOf(graph);
  return { ...graph, initializers: graph.initializers.filter(({ name }) => uses.has(name)) };
}
