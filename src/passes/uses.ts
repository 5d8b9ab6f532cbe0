/** Who reads a value. */
import type { Graph, Node, Value } from '../graph/graph';
import { readsOf } from '../graph/subgraph';

export class Uses {
  private readonly readers = new Map<Value, Node[]>();
  private readonly shown: ReadonlySet<Value>;

  constructor(graph: Graph) {
    this.shown = new Set(graph.outputs.map(({ value }) => value));
    for (const node of graph.nodes)
      for (const value of readsOf(node)) this.readers.set(value, [...this.of(value), node]);
  }

  /** The nodes that read it, one that reads it twice twice. */
  of(value: Value): readonly Node[] {
    return this.readers.get(value) ?? [];
  }

  /** Whether one node reads it, once, and no output shows it. */
  isSingle(value: Value): boolean {
    return this.of(value).length === 1 && !this.shown.has(value);
  }

  /** The node of type `type` that makes `value` for one other node alone. */
  onlyUse(value: Value | null, type: string): Node | null {
    return value?.node?.op.type === type && this.isSingle(value) ? value.node : null;
  }
}
