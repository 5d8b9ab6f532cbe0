/**
 * A matrix that is added to a product's result rides as Gemm's third operand: one pass over both less. The product's own node
 * is left without a use, for dead-code removal.
 */
import type { Graph, Node, Value } from '../../graph/graph';
import { sameShape } from '../../graph/shape';
import { gemm } from '../../ops/matmul';
import { rewrite } from '../../passes/rewrite';

type GemmAttributes = Parameters<typeof gemm>[2];

export function addInGemm(graph: Graph): Graph {
  const uses = new Map<Value, number>();
  const use = (value: Value | null) => value && uses.set(value, (uses.get(value) ?? 0) + 1);
  for (const node of graph.nodes) node.inputs.forEach(use);
  for (const { value } of graph.outputs) use(value);
  const rides = (value: Value | null, output: Value): boolean =>
    value?.node?.op.type === 'Gemm' &&
    value.node.inputs.length === 2 &&
    uses.get(value) === 1 &&
    sameShape(value.shape, output.shape);
  const operands = new Map<Node, readonly Value[]>();
  for (const node of graph.nodes) {
    if (node.op.type !== 'Add') continue;
    const [a, b] = node.inputs as Value[];
    const [output] = node.outputs;
    const product = rides(b, output) ? b : rides(a, output) ? a : null;
    const other = product === b ? a : b;
    if (product?.node && sameShape(other.shape, output.shape)) {
      operands.set(node, [product, other]);
    }
  }
  return rewrite(graph, (node, inputs, target) => {
    const pair = operands.get(node);
    if (!pair) return null;
    const [product, other] = pair;
    const copies = new Map(node.inputs.map((input, i) => [input, inputs[i]]));
    const made = copies.get(product)?.node as Node;
    const [a, b] = made.inputs as Value[];
    // In the product's place: the sum is part of it.
    return target.instead(made, () => [gemm(a, b, made.attrs as GemmAttributes, copies.get(other) as Value)]);
  });
}
