/** An ONNX graph, or a part of it, as values of a graph under construction. */
import { Graph, type Attributes, type AttributeValue, type OpDefinition, type Value } from '../graph/graph';
import { operators } from '../graph/op';
import type { OnnxAttribute, OnnxGraph, OnnxNode, OnnxTensor } from '../onnx/model';
import { dtypeOf } from '../onnx/wire';
// They register themselves.
import './index';
import './onnx';
import './quantize';

/** What a name of the ONNX graph is here: of an input, or of any value in place of what makes it there; else null. */
export type Give = (name: string) => Value | null;

/**
 * Makes the values named `wanted` of `source` in `target`, and only the nodes that they need. Initializers become constants
 * with their names. An Error says which node has an operator, an attribute or an operand that the builder does not know, and
 * which value nothing makes.
 */
export function inline(
  target: Graph,
  source: OnnxGraph,
  wanted: readonly string[],
  give: Give,
): Map<string, Value> {
  const inlining = new Inlining(target, source, give);
  inlining.make(wanted);
  return new Map(wanted.map((name) => [name, inlining.value(name)]));
}

class Inlining {
  private readonly values = new Map<string, Value>();
  private readonly constants: ReadonlyMap<string, OnnxTensor>;

  constructor(
    private readonly target: Graph,
    private readonly source: OnnxGraph,
    private readonly give: Give,
    private readonly outer: Inlining | null = null,
  ) {
    this.constants = new Map(
      [...source.initializers, ...source.nodes.flatMap(constantOf)].map((tensor) => [tensor.name, tensor]),
    );
  }

  make(wanted: readonly string[]): void {
    const needed = new Set<string>();
    const need = (name: string) => {
      if (needed.has(name)) return;
      needed.add(name);
      const given = this.give(name);
      if (given) this.values.set(name, given);
    };
    wanted.forEach(need);
    const nodes: OnnxNode[] = [];
    for (const node of [...this.source.nodes].reverse()) {
      if (node.opType === 'Constant') continue;
      if (!node.outputs.some((name) => needed.has(name) && !this.values.has(name))) continue;
      nodes.push(node);
      readsOf(node).forEach(need);
    }
    for (const node of nodes.reverse()) this.node(node);
  }

  value(name: string): Value {
    const value = this.known(name);
    if (value) return value;
    const isInput = this.source.inputs.some((input) => input.name === name);
    throw new Error(
      `graph ${this.source.name}: ${name} is ${isInput ? 'an input that is not given' : 'made by no node'}`,
    );
  }

  private known(name: string): Value | null {
    const made = this.values.get(name);
    if (made) return made;
    const tensor = this.constants.get(name);
    if (!tensor) return this.outer?.known(name) ?? null;
    const constant = this.target.label(name, this.target.tensor(tensor.dtype, tensor.shape, tensor.data));
    this.values.set(name, constant);
    return constant;
  }

  private constant(name: string): OnnxTensor | null {
    return this.constants.get(name) ?? this.outer?.constant(name) ?? null;
  }

  private node(node: OnnxNode): void {
    if (node.opType === 'Identity') {
      this.values.set(node.outputs[0], this.value(node.inputs[0]));
      return;
    }
    const op = operators.get(node.opType);
    const where = `node ${node.name || node.outputs[0]}`;
    if (!op || op.definition.composite || node.domain !== '')
      throw new Error(
        `${where}: the builder has no operator ${node.domain && `${node.domain}.`}${node.opType}`,
      );
    const { constantInputs } = op.definition;
    const operands = constantInputs ? node.inputs.slice(0, 1) : node.inputs;
    const inputs = operands.map((name) => (name === '' ? null : this.value(name)));
    try {
      const given = this.attributes(node, op.definition);
      const present = inputs.filter((input) => input !== null);
      const attrs = op.definition.complete?.(given, present) ?? given;
      const name = ownName(this.source, node.name);
      const scope = name.slice(0, Math.max(0, name.lastIndexOf('/')));
      const outputs = this.target.scope(scope, () => op.call(inputs, attrs, this.target));
      node.outputs.forEach((name, i) => {
        if (!this.values.has(name)) this.values.set(name, outputs[i]);
      });
    } catch (error) {
      throw new Error(`${where}: ${(error as Error).message}`, { cause: error });
    }
  }

  private attributes(node: OnnxNode, { attributes = {}, constantInputs = [] }: OpDefinition): Attributes {
    const found: Record<string, AttributeValue> = {};
    for (const attribute of node.attributes) {
      const kind = constantInputs.includes(attribute.name) ? 'ints' : attributes[attribute.name];
      if (kind === undefined || kind === 'builder')
        throw new Error(`the builder knows no attribute ${attribute.name} of ${node.opType}`);
      found[attribute.name] = this.attribute(attribute, kind);
    }
    node.inputs.slice(1).forEach((name, i) => {
      const list = constantInputs[i] as string | undefined;
      if (list === undefined || name === '') return;
      const tensor = this.constant(name);
      if (!tensor) throw new Error(`its ${list} are computed; the builder takes constants`);
      found[list] = Array.from(tensor.data, Number);
    });
    return found;
  }

  private attribute(attribute: OnnxAttribute, kind: string): AttributeValue {
    if (attribute.type !== (kind === 'dtype' ? 'int' : kind))
      throw new Error(`its attribute ${attribute.name} is of type ${attribute.type}`);
    switch (attribute.type) {
      case 'graph':
        return this.body(attribute.value);
      case 'int':
        return kind === 'dtype'
          ? dtypeOf(attribute.value, `its attribute ${attribute.name}`)
          : attribute.value;
      case 'float':
      case 'string':
      case 'ints':
        return attribute.value;
      default:
        throw new Error(`its attribute ${attribute.name} is of type ${attribute.type}`);
    }
  }

  private body(source: OnnxGraph): Graph {
    const inner = new Graph(source.name, this.target);
    const inputs = new Map(
      source.inputs.map(({ name, dtype, shape }) => [name, inner.input(ownName(source, name), dtype, shape)]),
    );
    const outputs = source.outputs.map(({ name }) => name);
    const inlining = new Inlining(inner, source, (name) => inputs.get(name) ?? null, this);
    inlining.make(outputs);
    outputs.forEach((name) => inner.output(ownName(source, name), inlining.value(name)));
    return inner;
  }
}

/** A name without that of its body, which emission puts before it. */
const ownName = (body: OnnxGraph, name: string) =>
  name.startsWith(`${body.name}/`) ? name.slice(body.name.length + 1) : name;

const constantOf = ({ opType, outputs, attributes: [attribute] }: OnnxNode): OnnxTensor[] =>
  opType === 'Constant' && attribute.type === 'tensor' ? [{ ...attribute.value, name: outputs[0] }] : [];

/** The names that a node reads, of values around its bodies too. */
function readsOf({ inputs, attributes }: OnnxNode): string[] {
  const bodies = attributes.flatMap((attribute) => (attribute.type === 'graph' ? [attribute.value] : []));
  return [...inputs.filter((name) => name !== ''), ...bodies.flatMap(capturedBy)];
}

function capturedBy({ inputs, initializers, nodes, outputs }: OnnxGraph): string[] {
  const own = new Set([
    ...[...inputs, ...initializers].map(({ name }) => name),
    ...nodes.flatMap((node) => node.outputs),
  ]);
  return [...nodes.flatMap(readsOf), ...outputs.map(({ name }) => name)].filter((name) => !own.has(name));
}
