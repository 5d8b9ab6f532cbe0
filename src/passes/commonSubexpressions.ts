/** Common subexpressions: nodes with the same operator, attributes and inputs become one, equal constants too. */
import { createHash } from 'node:crypto';
import { toBytes } from '../tensors/dtype';
import type { Graph, Value } from '../graph/graph';
import { bodiesOf } from '../graph/subgraph';
import { rewrite } from './rewrite';

export function mergeCommonSubexpressions(graph: Graph): Graph {
  const ids = new Map<Value, string>();
  const identify = (value: Value | null): string => {
    if (!value) return '-';
    let id = ids.get(value);
    if (id === undefined) {
      id = value.constant
        ? `${value.dtype}[${value.shape.join()}]${createHash('sha1').update(toBytes(value.constant)).digest('hex')}`
        : String(ids.size);
      ids.set(value, id);
    }
    return id;
  };
  const constants = new Seen<Value>();
  const calls = new Seen<readonly Value[]>();
  return rewrite(graph, (node, inputs, target) => {
    if (bodiesOf(node).length > 0) return null;
    const merged = inputs.map((input) =>
      input?.constant ? constants.first(target, identify(input), () => input) : input,
    );
    const inputIds = merged.map(identify);
    if (node.op.definition.commutative) inputIds.sort();
    const key = JSON.stringify([node.op.type, inputIds, Object.entries(node.attrs).sort()]);
    return calls.first(target, key, () => target.copy(node, merged));
  });
}

/** What was made first in a graph or one around it, whose values a body may take. */
class Seen<T> {
  private readonly byGraph = new Map<Graph, Map<string, T>>();

  first(graph: Graph, key: string, make: () => T): T {
    for (let at: Graph | null = graph; at; at = at.outer) {
      const known = this.byGraph.get(at)?.get(key);
      if (known !== undefined) return known;
    }
    const made = make();
    const own = this.byGraph.get(graph) ?? new Map<string, T>();
    this.byGraph.set(graph, own.set(key, made));
    return made;
  }
}
