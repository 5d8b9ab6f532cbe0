/** Dead code: drops the nodes that no output needs. Graph inputs stay, used or not. */
import type { Graph, Node, Value } from '../graph/graph';
import { rewrite } from './rewrite';

export function removeDeadCode(graph: Graph): Graph {
  const live = new Set<Node>();
  const needed = new Set<Value>(graph.outputs.map((o) => o.value));
  for (const node of [...graph.nodes].reverse()) {
    if (!node.outputs.some((o) => needed.has(o))) continue;
    live.add(node);
    node.inputs.forEach((input) => input && needed.add(input));
  }
  return rewrite(
    graph,
    () => null,
    (node) => live.has(node),
  );
}
