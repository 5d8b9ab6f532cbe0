/** Dead code: drops the nodes that no output needs. Graph inputs stay, used or not. */
import type { Graph, Node, Value } from '../graph/graph';
import { bodiesOf, readsOf } from '../graph/subgraph';
import { rewrite } from './rewrite';

export function removeDeadCode(graph: Graph): Graph {
  const live = liveNodes(graph);
  return rewrite(
    graph,
    () => null,
    (node) => live.has(node),
  );
}

/** The nodes that some output needs, those of bodies among them. */
function liveNodes(graph: Graph): Set<Node> {
  const live = new Set<Node>();
  const needed = new Set<Value>(graph.outputs.map((o) => o.value));
  for (const node of [...graph.nodes].reverse()) {
    if (!node.outputs.some((o) => needed.has(o))) continue;
    live.add(node);
    readsOf(node).forEach((value) => needed.add(value));
    for (const body of bodiesOf(node)) for (const inner of liveNodes(body)) live.add(inner);
  }
  return live;
}
