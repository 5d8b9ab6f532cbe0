/** Graph -> ONNX model description: names, initializers, attributes. */
import type { OnnxAttribute, OnnxGraph, OnnxModel, OnnxNode, OnnxTensor } from '../onnx/model';
import { DTYPES, type DType } from '../tensors/dtype';
import { inputName, type Graph, type Node, type Value } from './graph';

/** opset 18 brings bitwise operators and axes as inputs; IR version 8 goes with it. */
export const OPSET = 18;
const IR_VERSION = 8;

function emitAttributes(node: Node): OnnxAttribute[] {
  const kinds = node.op.definition.attributes ?? {};
  const result: OnnxAttribute[] = [];
  for (const name of Object.keys(node.attrs).sort()) {
    const value = node.attrs[name];
    if (value === undefined) continue;
    if (node.op.definition.constantInputs?.includes(name)) continue;
    const kind = kinds[name];
    if (kind === undefined) throw new Error(`${node.op.type} has no attribute ${name}`);
    if (kind === 'dtype') result.push({ name, type: 'int', value: DTYPES[value as DType].onnx });
    else if (kind === 'ints') result.push({ name, type: kind, value: value as readonly number[] });
    else if (kind === 'string') result.push({ name, type: kind, value: value as string });
    else result.push({ name, type: kind, value: value as number });
  }
  return result;
}

/** Emits the graph; every node must be an ONNX operator (composites are lowered before). */
export function emitGraph(graph: Graph): OnnxGraph {
  const names = new Map<Value, string>();
  const taken = new Set<string>();
  const unique = (name: string) => {
    let candidate = name;
    for (let i = 1; taken.has(candidate); i++) candidate = `${name}_${i}`;
    taken.add(candidate);
    return candidate;
  };
  for (const input of graph.inputs) names.set(input, unique(inputName(input)));

  // An output that a node makes carries the output's name; one that is an input, a constant or a second name of another
  // output goes through Identity.
  const aliases: { from: Value; name: string }[] = [];
  for (const { name, value } of graph.outputs) {
    if (value.node && !names.has(value)) names.set(value, unique(name));
    else aliases.push({ from: value, name: unique(name) });
  }

  const initializers: OnnxTensor[] = [];
  const nameOf = (value: Value): string => {
    const known = names.get(value);
    if (known !== undefined) return known;
    if (value.source.kind !== 'constant') throw new Error('a node uses a value that no earlier node makes');
    const name = unique(`constant_${initializers.length}`);
    names.set(value, name);
    initializers.push({ name, dtype: value.dtype, shape: value.shape as number[], data: value.source.data });
    return name;
  };

  const integers = new Map<string, string>();
  const integersInput = (numbers: readonly (number | string)[]): string => {
    const key = numbers.map((n) => (typeof n === 'string' ? -1 : n)).join();
    let name = integers.get(key);
    if (name === undefined) {
      name = unique(`ints_${key.replaceAll(',', '_')}`);
      const data = BigInt64Array.from(key === '' ? [] : key.split(','), BigInt);
      initializers.push({ name, dtype: 'int64', shape: [data.length], data });
      integers.set(key, name);
    }
    return name;
  };

  const read = new Set([...graph.nodes.flatMap((node) => node.inputs), ...graph.outputs.map((o) => o.value)]);
  const nodes: OnnxNode[] = graph.nodes.map((node) => {
    if (node.op.definition.composite)
      throw new Error(`${node.scope}: composite ${node.op.type} was not lowered`);
    const inputs = node.inputs.map((input) => (input ? nameOf(input) : ''));
    for (const attribute of node.op.definition.constantInputs ?? []) {
      inputs.push(integersInput(node.attrs[attribute] as readonly number[]));
    }
    const name = unique(`${node.scope}/${node.op.type}`);
    // Trailing outputs that nothing reads are optional ones: naming them would have the runtime compute them.
    let count = node.outputs.length;
    while (count > 1 && !read.has(node.outputs[count - 1])) count--;
    const outputs = node.outputs.slice(0, count).map((output, i) => {
      const known = names.get(output) ?? unique(i === 0 ? `${name}_output` : `${name}_output${i}`);
      names.set(output, known);
      return known;
    });
    return { name, opType: node.op.type, domain: '', inputs, outputs, attributes: emitAttributes(node) };
  });
  for (const { from, name } of aliases) {
    const inputs = [nameOf(from)];
    nodes.push({
      name: unique(`/output/${name}`),
      opType: 'Identity',
      domain: '',
      inputs,
      outputs: [name],
      attributes: [],
    });
  }
  const info = (name: string, value: Value) => ({ name, dtype: value.dtype, shape: value.shape });
  return {
    name: graph.name,
    inputs: graph.inputs.map((v) => info(inputName(v), v)),
    outputs: graph.outputs.map((o) => info(o.name, o.value)),
    initializers,
    nodes,
  };
}

/** Wraps an emitted graph into a model of the standard operator set. */
export function toModel(graph: OnnxGraph, metadata: Readonly<Record<string, string>> = {}): OnnxModel {
  return {
    irVersion: IR_VERSION,
    opsets: [{ domain: '', version: OPSET }],
    producerName: 'selfie-onnx',
    producerVersion: '1',
    metadata,
    graph,
  };
}
