/** Which large forward values can be made again for the gradients, from what, and which gradient each copy waits for. */
import { append } from '../base/lists';
import type { Graph, Node, Value } from '../graph/graph';
import type { DType } from '../tensors/dtype';
import { readsOf } from '../graph/subgraph';
import { bytesOf, peakBytes } from './cost';

/** A product with a small constant matrix, as a Winograd transform is, reads and writes each number once. */
const isTransform = ({ op, inputs: [a, , c] }: Node) =>
  (op.type === 'MatMul' || op.type === 'Gemm') && !c && a?.constant != null && a.constant.length <= 64 * 64;

/** What the convolutions' implementations make of their operands: gathered windows, transformed tiles and kernels. */
const isWindow = (node: Node) => node.op.definition.indices !== undefined || isTransform(node);

/** One pass over memory, or less. */
function isCheap(node: Node): boolean {
  const { elementwise, heavy, moves } = node.op.definition;
  return (elementwise && !heavy) || moves || isTransform(node);
}

const isView = ({ op }: Node) => op.definition.view === true;

/** What ONNX Runtime's Sub takes everywhere. */
const SUBTRACTS: ReadonlySet<DType> = new Set(['float32', 'float64', 'float16', 'int32', 'int64']);

/** Longer chains cost more than they free. */
const LONGEST = 6;

/** Values under this fraction of the peak stay: what they would free is nothing. */
const SMALL = 1 / 1000;

/** `windows`: what convolutions make of their operands; `all`: activations too */
export type Recomputed = 'windows' | 'all';

/** How one value is made again. */
export interface Plan {
  /** forward nodes to copy */
  readonly chain: ReadonlySet<Node>;
  /** values with a plan of their own whose copies it takes */
  readonly shared: ReadonlySet<Value>;
  /** the incoming gradient it waits for */
  readonly gradient: Value;
}

const widens = ({ op, inputs, outputs }: Node) =>
  op.type === 'Cast' && inputs[0]?.dtype === 'float16' && outputs[0].dtype === 'float32';

export class Planner {
  readonly plans = new Map<Value, Plan>();
  private readonly usesInBackward = new Map<Value, Node[]>();
  private readonly order = new Map<Node, number>();
  /** of the gradient phase, and what depends on them */
  private readonly backward = new Set<Node>();
  private readonly smallest: number;

  constructor(
    private readonly graph: Graph,
    what: Recomputed,
  ) {
    this.smallest = peakBytes(graph) * SMALL;
    graph.nodes.forEach((node, i) => {
      this.order.set(node, i);
      const reads = readsOf(node);
      const follows = reads.some((value) => value.node && this.backward.has(value.node));
      if (node.phase !== 'gradient' && !follows) return;
      this.backward.add(node);
      for (const value of new Set(reads.map((read) => this.root(read))))
        this.usesInBackward.set(value, [...this.uses(value), node]);
    });
    for (const node of graph.nodes) {
      const [value] = node.outputs;
      if (this.isBackward(node) || isView(node) || !this.isLarge(value)) continue;
      if (this.uses(value).length === 0 || (what === 'windows' && !isWindow(node))) continue;
      const plan = this.plan(value);
      if (plan) this.plans.set(value, plan);
    }
  }

  isBackward(node: Node): boolean {
    return this.backward.has(node);
  }

  /** The value whose memory a forward view shows. */
  root(value: Value): Value {
    const { node } = value;
    const [input] = node?.inputs ?? [];
    return node && input && !this.isBackward(node) && isView(node) ? this.root(input) : value;
  }

  private uses(value: Value): readonly Node[] {
    return this.usesInBackward.get(value) ?? [];
  }

  isLarge(value: Value): boolean {
    return value.node !== null && bytesOf(value) >= this.smallest;
  }

  private plan(value: Value): Plan | null {
    const gradient = this.gradientFor(value);
    if (!gradient) return null;
    const chain = new Set<Node>();
    const shared = new Set<Value>();
    /** Whether it is there anyway, made again, or null where it cannot be. */
    const collect = (v: Value): 'kept' | 'made' | null => {
      const { node } = v;
      if (!node || !this.isLarge(v)) return 'kept';
      if (v !== value) {
        const other = this.plans.get(v);
        if (other && !this.waitsFor([...this.awaited(v)], value)) {
          shared.add(v);
          return 'made';
        }
        if (this.isKeptFor(v, value)) return 'kept';
      }
      if (this.isBackward(node) || !isCheap(node)) return null;
      const inputs = node.inputs.map((input) => (input ? collect(input) : 'kept'));
      // Kept in its place, the narrow one takes half.
      if (widens(node)) inputs[0] ??= 'kept';
      if (inputs.includes(null)) return null;
      if (!inputs.includes('made')) {
        if (isView(node)) return 'kept';
        if (this.handle(node) < 0) return null;
      }
      chain.add(node);
      return 'made';
    };
    if (collect(value) !== 'made') return null;
    const passes = [...chain].filter((node) => !isView(node)).length;
    return passes <= LONGEST ? { chain, shared, gradient } : null;
  }

  /** Whether a forward value is in memory until the gradients first need `value`. */
  private isKeptFor(v: Value, value: Value): boolean {
    const root = this.root(v);
    if (this.plans.has(root)) return false;
    const last = this.uses(root).at(-1);
    const [first] = this.uses(value);
    return last !== undefined && this.at(last) >= this.at(first);
  }

  private at(node: Node): number {
    return this.order.get(node) ?? -1;
  }

  /** Index of the operand that may carry the zero, small or at least narrow, or -1. */
  handle(node: Node): number {
    if (widens(node) || isTransform(node)) return 0;
    const { indices, elementwise, moves } = node.op.definition;
    if (indices !== undefined) return indices;
    if (!elementwise && !moves) return -1;
    return node.inputs.findIndex((v) => v && SUBTRACTS.has(v.dtype) && bytesOf(v) < this.smallest);
  }

  /** The first gradient that meets `value`, or what is made of it, in the backward part and does not come from it. */
  private gradientFor(value: Value): Value | null {
    const users = new Set(this.uses(value));
    const made = new Set<Value>();
    for (const node of this.graph.nodes.slice(this.at(this.uses(value)[0]))) {
      if (!users.has(node) && !node.inputs.some((v) => v && made.has(v))) continue;
      for (const v of node.inputs) {
        if (!v?.node || !this.isBackward(v.node) || made.has(v) || v.dtype === 'bool') continue;
        if (v.rank > 0 && !this.waitsFor([v.node], value)) return v;
      }
      node.outputs.forEach((output) => made.add(output));
    }
    return null;
  }

  /** The nodes that the copy of a planned value waits for. */
  private *awaited(value: Value): Generator<Node> {
    const plan = this.plans.get(value);
    if (!plan) return;
    if (plan.gradient.node) yield plan.gradient.node;
    for (const other of plan.shared) yield* this.awaited(other);
  }

  /** Whether one of the backward nodes needs, copies considered, a node that needs `value`: then it cannot wait for it. */
  private waitsFor(nodes: readonly Node[], value: Value): boolean {
    const targets = new Set(this.uses(value));
    const seen = new Set<Node>();
    const stack = [...nodes];
    for (let node = stack.pop(); node; node = stack.pop()) {
      if (targets.has(node)) return true;
      if (seen.has(node) || !this.isBackward(node)) continue;
      seen.add(node);
      for (const value of readsOf(node)) {
        if (value.node) stack.push(value.node);
        append(stack, this.awaited(this.root(value)));
      }
    }
    return false;
  }
}
