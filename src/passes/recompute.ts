/**
 * Recomputation: a large value that forward keeps only for the gradients is made again when they need it, where cheap
 * operators make it from values that are kept anyway. A normalized and rectified activation comes back from the
 * convolution's result and the norm's vectors, a gathered window from the activation.
 *
 * Works on lowered graphs. The second making must neither be merged with the first, by our passes or the runtime's, nor be
 * scheduled early. So it depends on a gradient: a zero that no optimizer sees through, element < element of an incoming
 * gradient, is subtracted from a small operand (a norm's vector, a list of indices). The numbers are the same bits.
 */
import { Graph, inputName, type Node, type Value } from '../graph/graph';
import type { DType } from '../tensors/dtype';
import { cast, less, sub } from '../ops/elementwise';
import { reshape, slice } from '../ops/shape';
import { removeDeadCode } from './deadCode';
import { Planner, type Plan, type Recomputed } from './recomputePlan';
import { copyAttributes } from './rewrite';

const inGradient = (node: Node): Node => ({ ...node, phase: 'gradient', scope: `/grad${node.scope}` });

/** The lowered graph with its cheap activations made twice instead of kept. */
export function recompute(graph: Graph, what: Recomputed): Graph {
  const planner = new Planner(graph, what);
  const { plans } = planner;
  const target = new Graph(graph.name);
  const mapped = new Map<Value, Value>();
  const copies = new Map<Value, Value>();
  /** element < element, by gradient */
  const zeros = new Map<Value, Value>();
  for (const input of graph.inputs)
    mapped.set(input, target.input(inputName(input), input.dtype, input.shape));

  /** `node` once more, in the gradient phase. */
  const again = (node: Node, inputs: readonly (Value | null)[]) => target.copy(inGradient(node), inputs);

  /** The value as forward sees it. */
  const first = (value: Value): Value => {
    const known = mapped.get(value);
    if (known) return known;
    const { source } = value;
    if (source.kind === 'input')
      throw new Error(`recompute: the input ${source.name} belongs to another graph`);
    if (source.kind === 'constant') {
      const constant = target.tensor(value.dtype, value.shape as number[], source.data);
      mapped.set(value, constant);
      return constant;
    }
    const { node, index } = source;
    const see = planner.isBackward(node) ? second : first;
    const inputs = node.inputs.map((v) => v && see(v));
    const outputs = target.copy(node, inputs, undefined, copyAttributes(node, target, see));
    node.outputs.forEach((output, i) => mapped.set(output, outputs[i]));
    return outputs[index];
  };
  /** The value as the backward part sees it. */
  const second = (value: Value): Value => {
    const root = planner.root(value);
    if (!plans.has(root)) return first(value);
    if (value === root) return copy(value);
    const node = value.node as Node;
    return again(node, [second(node.inputs[0] as Value)])[0];
  };
  const zero = (gradient: Value, dtype: DType): Value => {
    let never = zeros.get(gradient);
    if (!never) {
      const g = first(gradient);
      const corner = g.shape.reduce<Value>((v, _, axis) => slice(v, axis, 0, 1), g);
      const element = reshape(corner, []);
      never = less(element, element);
      zeros.set(gradient, never);
    }
    return cast(never, dtype);
  };
  const copy = (value: Value): Value => {
    const known = copies.get(value);
    if (known) return known;
    const { chain, shared, gradient } = plans.get(value) as Plan;
    const local = new Map<Node, Value>();
    const make = (v: Value): Value => {
      if (shared.has(v)) return copy(v);
      const { node } = v;
      if (!node || !chain.has(node)) return first(v);
      let made = local.get(node);
      if (!made) {
        const inputs = node.inputs.map((input) => input && make(input));
        const depends = node.inputs.some((v) => v && (shared.has(v) || (v.node && chain.has(v.node))));
        if (!depends) {
          const at = planner.handle(node);
          const operand = inputs[at] as Value;
          inputs[at] = target.instead(inGradient(node), () => sub(operand, zero(gradient, operand.dtype)));
        }
        [made] = again(node, inputs);
        local.set(node, made);
      }
      return made;
    };
    const made = make(value);
    copies.set(value, made);
    return made;
  };

  for (const node of graph.nodes) node.outputs.forEach((output) => first(output));
  for (const [value, name] of graph.labels) target.label(name, first(value));
  for (const { name, value } of graph.outputs) target.output(name, first(value));
  return removeDeadCode(target);
}
