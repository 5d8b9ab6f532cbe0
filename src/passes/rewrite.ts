/** The one way to make a graph from a graph: visit nodes in order, keep or replace each. */
import { Graph, inputName, type Node, type Value } from '../graph/graph';

/** Replacement outputs in the target graph, made in the node's place, or null to copy the node. */
export type Visit = (node: Node, inputs: readonly (Value | null)[], target: Graph) => readonly Value[] | null;

/**
 * A copy of `graph` in which `visit` may replace nodes and only the nodes that `keep` accepts appear. `put` may convert a
 * value of the copy before it becomes an output.
 */
export function rewrite(
  graph: Graph,
  visit: Visit,
  keep: (node: Node) => boolean = () => true,
  put: (value: Value) => Value = (value) => value,
): Graph {
  const target = new Graph(graph.name);
  const mapped = new Map<Value, Value>();
  for (const input of graph.inputs)
    mapped.set(input, target.input(inputName(input), input.dtype, input.shape));
  const translate = (value: Value): Value => {
    let result = mapped.get(value);
    if (!result) {
      if (value.source.kind !== 'constant') throw new Error('rewrite: a value is used before it is made');
      result = target.tensor(value.dtype, value.shape as number[], value.source.data);
      mapped.set(value, result);
    }
    return result;
  };
  for (const node of graph.nodes.filter(keep)) {
    const inputs = node.inputs.map((input) => input && translate(input));
    const outputs = target.instead(node, () => visit(node, inputs, target)) ?? target.copy(node, inputs);
    node.outputs.forEach((output, i) => mapped.set(output, outputs[i]));
  }
  for (const { name, value } of graph.outputs) target.output(name, put(translate(value)));
  return target;
}
