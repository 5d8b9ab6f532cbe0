/** What a lowered graph costs: multiply-adds, and the memory that its tensors need at once. */
import { DTYPES } from '../tensors/dtype';
import type { Graph, Value } from '../graph/graph';
import { elementCount } from '../graph/shape';
import { bodiesOf, readsOf } from '../graph/subgraph';

/** Multiply-adds of matrix products and convolutions; a symbolic size counts as 1, a body's once. */
export const multiplyAdds = (graph: Graph): number =>
  graph.nodes.reduce((sum, node) => {
    const { op, inputs, outputs, attrs } = node;
    const own = op.definition.multiplyAdds?.(inputs as Value[], outputs, attrs) ?? 0;
    return bodiesOf(node).reduce((total, body) => total + multiplyAdds(body), sum + own);
  }, 0);

export const bytesOf = (value: Value) => (elementCount(value.shape) ?? 0) * DTYPES[value.dtype].bytes;

/** The value whose memory a value shows: itself but for views. */
export function storageOf(graph: Graph): (value: Value) => Value {
  const storage = new Map<Value, Value>();
  const root = (value: Value): Value => storage.get(value) ?? value;
  for (const node of graph.nodes) {
    const [first] = node.inputs;
    if (node.op.definition.view && first) storage.set(node.outputs[0], root(first));
  }
  return root;
}

/**
 * Bytes that are alive at the busiest moment when nodes run in order and a tensor is freed after its last use: inputs and
 * constants all the time, outputs until the end. An estimate: the runtime's arena rounds up, workspaces are not counted.
 */
export function peakBytes(graph: Graph): number {
  const root = storageOf(graph);
  const lastUse = new Map<Value, number>();
  graph.nodes.forEach((node, i) => readsOf(node).forEach((value) => lastUse.set(root(value), i)));
  for (const { value } of graph.outputs) lastUse.set(root(value), Infinity);

  const constants = new Set(graph.nodes.flatMap((node) => readsOf(node).filter((v) => v.constant)));
  let alive = [...graph.inputs, ...constants].reduce((sum, v) => sum + bytesOf(v), 0);
  let peak = alive;
  graph.nodes.forEach((node, i) => {
    const made = node.outputs.filter((output) => root(output) === output);
    alive += made.reduce((sum, v) => sum + bytesOf(v), 0);
    peak = Math.max(peak, alive);
    const freed = new Set([...readsOf(node).map(root), ...made]);
    for (const value of freed) {
      if (value.source.kind === 'node' && (lastUse.get(value) ?? i) <= i) alive -= bytesOf(value);
    }
  });
  return peak;
}
