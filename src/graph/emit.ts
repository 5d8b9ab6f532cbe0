/** Graph -> ONNX model description: names, initializers, attributes. */
import { DTYPES, type DType } from '../tensors/dtype';
import type { OnnxAttribute, OnnxGraph, OnnxModel, OnnxNode, OnnxTensor } from '../onnx/model';
import type { Graph } from './graph';
import { inputName, type AttributeValue, type Node, type Value } from './graph';
import { readsOf } from './subgraph';

/** opset 18 brings bitwise operators and axes as inputs. */
export const OPSET = 18;

/** The IR version that came with an opset. */
const irVersion = (opset: number) => (opset < 15 ? 7 : opset < 19 ? 8 : opset < 21 ? 9 : 10);

/** Emits the graph; every node must be an ONNX operator of that opset (composites are lowered before). */
export const emitGraph = (graph: Graph, opset = OPSET): OnnxGraph => new Emission(opset).graph(graph);

/** Wraps an emitted graph into a model of the standard operator set. */
export function toModel(
  graph: OnnxGraph,
  metadata: Readonly<Record<string, string>> = {},
  opset = OPSET,
): OnnxModel {
  return {
    irVersion: irVersion(opset),
    opsets: [{ domain: '', version: opset }],
    producerName: 'selfie-onnx',
    producerVersion: '1',
    metadata,
    graph,
  };
}

/** One file: names are used once in all of its graphs, and constants are initializers of the outermost. */
class Emission {
  private readonly names = new Map<Value, string>();
  /** of constants, which are named when something reads them */
  private readonly labels = new Map<Value, string>();
  private readonly taken = new Set<string>();
  private readonly initializers: OnnxTensor[] = [];
  private readonly integers = new Map<string, string>();

  constructor(private readonly opset: number) {}

  private unique(name: string): string {
    let candidate = name;
    for (let i = 1; this.taken.has(candidate); i++) candidate = `${name}_${i}`;
    this.taken.add(candidate);
    return candidate;
  }

  graph(graph: Graph): OnnxGraph {
    const { names } = this;
    const own = (name: string) =>
      this.unique(graph.outer ? `${graph.name}/${name.replace(/^\//, '')}` : name);
    for (const input of graph.inputs) names.set(input, own(inputName(input)));
    // An output that a node makes carries the output's name; one that is an input, a constant, a second name of another output
    // or a value from around goes through Identity.
    const outputs = graph.outputs.map(({ name, value }) => {
      const output = { name: own(name), value, isAlias: !value.node || names.has(value) };
      if (!output.isAlias) names.set(value, output.name);
      return output;
    });
    for (const [value, name] of graph.labels)
      if (value.constant) this.labels.set(value, name);
      else if (!names.has(value)) names.set(value, own(name));
    const read = new Set([...graph.nodes.flatMap(readsOf), ...graph.outputs.map(({ value }) => value)]);
    const nodes = graph.nodes.map((node) => this.node(node, own, read));
    const aliases = outputs
      .filter(({ isAlias }) => isAlias)
      .map(({ name, value }): OnnxNode => {
        const inputs = [this.nameOf(value)];
        const wire = { opType: 'Identity', domain: '', inputs, outputs: [name], attributes: [] };
        return { name: own(`/output/${name}`), ...wire };
      });
    const info = (name: string, { dtype, shape }: Value) => ({ name, dtype, shape });
    return {
      name: graph.name,
      inputs: graph.inputs.map((v) => info(this.nameOf(v), v)),
      outputs: outputs.map(({ name, value }) => info(name, value)),
      initializers: graph.outer ? [] : this.initializers,
      nodes: [...nodes, ...aliases],
    };
  }

  private node(node: Node, own: (name: string) => string, read: ReadonlySet<Value>): OnnxNode {
    const { type, definition } = node.op;
    if (definition.composite) throw new Error(`${node.scope}: composite ${type} was not lowered`);
    const inputs = node.inputs.map((input) => (input ? this.nameOf(input) : ''));
    const asInputs = this.opset >= (definition.inputsSince ?? 0);
    if (asInputs)
      for (const attribute of definition.constantInputs ?? [])
        inputs.push(this.integersInput(node.attrs[attribute] as readonly number[]));
    const name = own(`${node.scope}/${type}`);
    // Trailing outputs that nothing reads are optional ones: naming them would have the runtime compute them.
    let count = node.outputs.length;
    while (count > 1 && !read.has(node.outputs[count - 1])) count--;
    const outputs = node.outputs.slice(0, count).map((output, i) => {
      const known = this.names.get(output) ?? this.unique(i === 0 ? `${name}_output` : `${name}_output${i}`);
      this.names.set(output, known);
      return known;
    });
    return { name, opType: type, domain: '', inputs, outputs, attributes: this.attributes(node, asInputs) };
  }

  private attributes({ op: { type, definition }, attrs }: Node, asInputs: boolean): OnnxAttribute[] {
    const kinds = definition.attributes ?? {};
    const result: OnnxAttribute[] = [];
    for (const name of Object.keys(attrs).sort()) {
      const value = attrs[name];
      const isInput = definition.constantInputs?.includes(name) ?? false;
      if (value === undefined || (isInput && asInputs) || kinds[name] === 'builder') continue;
      const kind = isInput ? 'ints' : kinds[name];
      if (kind === undefined) throw new Error(`${type} has no attribute ${name}`);
      result.push(this.attribute(name, kind, value));
    }
    return result;
  }

  private attribute(name: string, kind: string, value: AttributeValue): OnnxAttribute {
    switch (kind) {
      case 'dtype':
        return { name, type: 'int', value: DTYPES[value as DType].onnx };
      case 'ints':
        return { name, type: kind, value: value as readonly number[] };
      case 'string':
        return { name, type: kind, value: value as string };
      case 'graph':
        return { name, type: kind, value: this.graph(value as Graph) };
      default:
        return { name, type: kind as 'int' | 'float', value: value as number };
    }
  }

  private nameOf(value: Value): string {
    const known = this.names.get(value);
    if (known !== undefined) return known;
    if (value.source.kind !== 'constant') throw new Error('a node uses a value that no earlier node makes');
    const name = this.unique(this.labels.get(value) ?? `constant_${this.initializers.length}`);
    this.names.set(value, name);
    const { dtype, shape, source } = value;
    this.initializers.push({ name, dtype, shape: shape as number[], data: source.data });
    return name;
  }

  private integersInput(numbers: readonly (number | string)[]): string {
    const key = numbers.map((n) => (typeof n === 'string' ? -1 : n)).join();
    let name = this.integers.get(key);
    if (name === undefined) {
      name = this.unique(`ints_${key.replaceAll(',', '_')}`);
      const data = BigInt64Array.from(key === '' ? [] : key.split(','), BigInt);
      this.initializers.push({ name, dtype: 'int64', shape: [data.length], data });
      this.integers.set(key, name);
    }
    return name;
  }
}
