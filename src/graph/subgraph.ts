/** Graphs inside of nodes, the bodies of `Loop` and `If`: what they take from around them. */
import { Graph, type Attributes, type Node, type Value } from './graph';

/** The graphs that a node holds. */
export const bodiesOf = ({ attrs }: Node): Graph[] =>
  Object.values(attrs).filter((value): value is Graph => value instanceof Graph);

/** All values that a node reads: its operands, and what its bodies take from around them. */
export function readsOf(node: Node): Value[] {
  const operands = node.inputs.filter((input) => input !== null);
  const bodies = bodiesOf(node);
  return bodies.length === 0 ? operands : [...operands, ...bodies.flatMap(captured)];
}

/** The values of graphs around `body` that it reads. */
export function captured(body: Graph): Value[] {
  const read = [...body.nodes.flatMap(readsOf), ...body.outputs.map(({ value }) => value)];
  return [...new Set(read.filter((value) => value.graph !== body))];
}

/** Attributes with other bodies. */
export const withBodies = (attrs: Attributes, replace: (body: Graph) => Graph): Attributes =>
  Object.fromEntries(
    Object.entries(attrs).map(([name, value]) => [name, value instanceof Graph ? replace(value) : value]),
  );
