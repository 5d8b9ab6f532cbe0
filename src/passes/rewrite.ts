/** The one way to make a graph from a graph: visit nodes in order, keep or replace each. */
import { Graph, inputName, type Attributes, type Node, type Value } from '../graph/graph';
import { withBodies } from '../graph/subgraph';

/** What a value of the source is in the target. */
export type Translate = (value: Value) => Value;

/** Replacement outputs in the target graph, made in the node's place, or null to copy the node. */
export type Visit = (
  node: Node,
  inputs: readonly (Value | null)[],
  target: Graph,
  translate: Translate,
) => readonly Value[] | null;

interface Copying {
  readonly visit: Visit;
  readonly keep: (node: Node) => boolean;
  /** Translates values of the graphs around. */
  readonly outer: Translate;
}

const COPYING: Copying = {
  visit: () => null,
  keep: () => true,
  outer: () => {
    throw new Error('a value belongs to another graph');
  },
};

/**
 * A copy of `graph` in which `visit` may replace nodes and only the nodes that `keep` accepts appear, in bodies of nodes too.
 * `put` may convert a value of the copy before it becomes an output.
 */
export function rewrite(
  graph: Graph,
  visit: Visit,
  keep: (node: Node) => boolean = () => true,
  put: (value: Value) => Value = (value) => value,
): Graph {
  return copyGraph(graph, new Graph(graph.name), { ...COPYING, visit, keep }, put);
}

const copyInto = (target: Graph, body: Graph, copying: Copying) =>
  copyGraph(body, new Graph(body.name, target), copying);

/** The node's attributes for a copy of it in `target`; `outer` translates what its bodies take from around them. */
export const copyAttributes = ({ attrs }: Node, target: Graph, outer: Translate): Attributes =>
  withBodies(attrs, (body) => copyInto(target, body, { ...COPYING, outer }));

function copyGraph(
  source: Graph,
  target: Graph,
  copying: Copying,
  put: (value: Value) => Value = (value) => value,
): Graph {
  const given = source.inputs.map((input): [Value, Value] => [
    input,
    target.input(inputName(input), input.dtype, input.shape),
  ]);
  const translate = copyNodes(source, target, new Map(given), copying);
  for (const { name, value } of source.outputs) target.output(name, put(translate(value)));
  return target;
}

/** Copies the nodes of `source` to the end of `target`; `given` stand for its inputs. Returns what its values are there. */
export function copyNodes(
  source: Graph,
  target: Graph,
  given: ReadonlyMap<Value, Value>,
  copying: Partial<Copying> = {},
): Translate {
  const { visit, keep, outer } = { ...COPYING, ...copying };
  const mapped = new Map(given);
  const translate: Translate = (value) => {
    const known = mapped.get(value);
    if (known) return known;
    if (value.graph !== source) return outer(value);
    if (value.source.kind !== 'constant') throw new Error('rewrite: a value is used before it is made');
    const constant = target.tensor(value.dtype, value.shape as number[], value.source.data);
    const name = source.labels.get(value);
    if (name !== undefined) target.label(name, constant);
    mapped.set(value, constant);
    return constant;
  };
  const copyBody = (body: Graph) => copyInto(target, body, { visit, keep, outer: translate });
  for (const node of source.nodes.filter(keep)) {
    const inputs = node.inputs.map((input) => input && translate(input));
    const outputs =
      target.instead(node, () => visit(node, inputs, target, translate)) ??
      target.copy(node, inputs, undefined, withBodies(node.attrs, copyBody));
    node.outputs.forEach((output, i) => mapped.set(output, outputs[i]));
  }
  for (const [value, name] of source.labels) {
    const copy = mapped.get(value);
    if (copy) target.label(name, copy);
  }
  return translate;
}
