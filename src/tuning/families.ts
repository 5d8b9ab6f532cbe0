/**
 * What is tuned together: a composite with its gradients, for each distinct set of shapes in a training graph. They share
 * sub-results (a convolution's forward and its weight gradient the transformed input), so that an implementation is timed for all.
 */
import type { Graph, Node, Value } from '../graph/graph';
import { sameShape } from '../graph/shape';
import type { LoweringOptions } from '../lowering/context';
import { candidates, choose, signature } from '../lowering/rules';

export interface Family {
  /** the forward node first, then its gradients */
  readonly nodes: readonly Node[];
  /** how often this set of shapes is in the graph */
  readonly count: number;
}

/** A way to lower a family: by signature of its nodes, names of implementations. */
export interface Candidate {
  readonly name: string;
  readonly choices: ReadonlyMap<string, string>;
}

const gradientOf = ({ op }: Node) => op.definition.gradientOf;

/** Whether each output of a gradient has the shape of one of the forward node's operands, and the same strides. */
const ofShape = (gradient: Node, forward: Node) =>
  JSON.stringify(gradient.attrs.strides) === JSON.stringify(forward.attrs.strides) &&
  gradient.outputs.every(({ shape }) =>
    forward.inputs.some((input) => input && sameShape(input.shape, shape)),
  );

/** The families of a graph of composites, in the order of their first appearance. */
export function families(graph: Graph): Family[] {
  const composites = graph.nodes.filter(({ op }) => op.definition.composite);
  const readers = new Map<Value, Node[]>();
  for (const node of composites.filter(gradientOf)) {
    for (const value of node.inputs as Value[]) readers.set(value, [...(readers.get(value) ?? []), node]);
  }
  const found = new Map<string, { nodes: Node[]; count: number }>();
  for (const node of composites.filter((one) => !gradientOf(one))) {
    const near = [...(node.inputs as Value[]), ...node.outputs].flatMap((value) => readers.get(value) ?? []);
    // two convolutions may read one input, and two layers share one weight: theirs are the gradients of this kernel's shape
    const gradients = near.filter((other) => gradientOf(other) === node.op.type && ofShape(other, node));
    const byType = new Map(gradients.map((other) => [other.op.type, other]));
    const nodes = [node, ...byType.values()];
    const key = nodes.map(signature).join('\n');
    const known = found.get(key);
    if (known) known.count++;
    else found.set(key, { nodes, count: 1 });
  }
  // ReLU's forward is an ONNX operator, and average pooling's gradient reads none of its operands: those are alone
  const taken = new Set([...found.values()].flatMap(({ nodes }) => nodes.map(signature)));
  for (const node of composites.filter((one) => gradientOf(one) && !taken.has(signature(one)))) {
    const key = signature(node);
    const known = found.get(key);
    if (known) known.count++;
    else found.set(key, { nodes: [node], count: 1 });
  }
  return [...found.values()];
}

/**
 * The different ways to lower a family, the rule table's own first. Each name stands for the implementation of that name in every
 * node that has one, and the rule table's choice in the others.
 */
export function familyCandidates({ nodes }: Family, options: LoweringOptions): Candidate[] {
  const untuned = { ...options, tuned: undefined };
  const names = new Set(
    nodes.flatMap((node) => candidates(node, untuned).map(({ implementation }) => implementation.name)),
  );
  const different = new Map<string, Candidate>();
  for (const name of [choose(nodes[0], untuned).name, ...names]) {
    const tuned = new Map(nodes.map((node) => [signature(node), name]));
    const choices = new Map(nodes.map((node) => [signature(node), choose(node, { ...options, tuned }).name]));
    const key = [...choices.values()].join();
    if (!different.has(key)) different.set(key, { name, choices });
  }
  const rules = nodes.map((node) => choose(node, untuned).name).join();
  return [...different].sort(([a], [b]) => Number(b === rules) - Number(a === rules)).map(([, one]) => one);
}
