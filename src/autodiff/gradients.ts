/** Reverse-mode differentiation: one walk over the nodes in reverse order, each rule asked for the gradients that are needed. */
import type { Graph, Node, Value } from '../graph/graph';
import { sameShape, formatShape } from '../graph/shape';
import { add } from '../ops/elementwise';
import { reduceSum } from '../ops/reduce';
import { expand, reshape } from '../ops/shape';

/** Sums `dy` over the axes along which a value of `x`'s shape was broadcast to `dy`'s. */
function unbroadcast(dy: Value, x: Value, node: Node): Value {
  if (sameShape(dy.shape, x.shape)) return dy;
  const lead = dy.rank - x.rank;
  const axes = dy.shape.flatMap((d, i) => (i < lead || (x.shape[i - lead] === 1 && d !== 1) ? [i] : []));
  const fits = lead >= 0 && dy.shape.every((d, i) => axes.includes(i) || d === x.shape[i - lead]);
  if (!fits) {
    throw new Error(
      `the gradient rule of ${node.op.type} at ${node.scope} gave ${formatShape(dy.shape)} for an input of shape ${formatShape(x.shape)}`,
    );
  }
  return reshape(reduceSum(dy, axes), x.shape);
}

/** The nodes through which some of `wrt` reach anything, and the values on the way. */
function influenced(graph: Graph, wrt: readonly Value[]): Set<Value> {
  const reached = new Set(wrt);
  for (const node of graph.nodes) {
    if (node.inputs.some((input) => input && reached.has(input))) node.outputs.forEach((o) => reached.add(o));
  }
  return reached;
}

/**
 * Gradients of the scalar `loss` with respect to each of `wrt`, as new values of the same graph under the scope `/grad`.
 * A value that the loss does not depend on gets zeros. Throws where an operator on the way has no gradient, naming the
 * operator, its scope and the line that built it.
 */
export function gradients(loss: Value, wrt: readonly Value[]): Value[] {
  const { graph } = loss;
  if (loss.rank !== 0)
    throw new Error(`gradients: the loss has shape ${formatShape(loss.shape)}, expected a scalar`);
  return graph.phase('gradient', () => reverseWalk(graph, loss, wrt));
}

function reverseWalk(graph: Graph, loss: Value, wrt: readonly Value[]): Value[] {
  const reached = influenced(graph, wrt);
  const cotangents = new Map<Value, Value>([[loss, graph.scalar(1, loss.dtype)]]);
  const zeros = (value: Value) => expand(graph.scalar(0, value.dtype), value.shape as number[]);

  for (const node of [...graph.nodes].reverse()) {
    if (!node.outputs.some((output) => cotangents.has(output))) continue;
    const wanted = node.inputs.map((input) => input !== null && reached.has(input));
    if (!wanted.includes(true)) continue;
    graph.scope(`grad${node.scope}`, () => {
      const rule = node.op.definition.vjp;
      if (!rule) throw missingRule(node);
      const dys = node.outputs.map((output) => cotangents.get(output) ?? zeros(output));
      const thunks = rule(dys, node.inputs as Value[], node.outputs, node.attrs);
      node.inputs.forEach((input, i) => {
        if (!input || !wanted[i]) return;
        const thunk = thunks[i];
        if (thunk === null || thunk === undefined) {
          if (isFloat(input)) throw missingRule(node);
          return;
        }
        const gradient = unbroadcast(thunk(), input, node);
        const sofar = cotangents.get(input);
        cotangents.set(input, sofar ? add(sofar, gradient) : gradient);
      });
    });
  }
  return wrt.map((value) => cotangents.get(value) ?? zeros(value));
}

const isFloat = (value: Value) => ['float32', 'float64', 'float16'].includes(value.dtype);

const missingRule = (node: Node) =>
  new Error(`${node.op.type} has no gradient (node at ${node.scope || '/'}, built at ${builtAt(node)})`);

/** The line of the user's code that made a node: the first frame outside of the builder's own rooms. */
export function builtAt(node: Node): string {
  const frames = (node.origin.stack ?? '').split('\n').slice(1);
  const own = /[\\/]src[\\/](graph|ops|autodiff|passes|lowering)[\\/]|node:internal/;
  return (frames.find((frame) => !own.test(frame)) ?? frames[0] ?? 'unknown').trim().replace(/^at /, '');
}
