/**
 * A matrix that is added to a product's result rides as Gemm's third operand: one pass over both less. The product's own node
 * is left without a use, for dead-code removal.
 */
import type { Graph, Value } from '../../graph/graph';
import { sameShape } from '../../graph/shape';
import { gemm } from '../../ops/matmul';
import { rewrite } from '../../passes/rewrite';
import { Uses } from '../../passes/uses';

type GemmAttributes = Parameters<typeof gemm>[2];

export function addInGemm(graph: Graph): Graph {
  const uses = new Uses(graph);
  return rewrite(graph, (node, _inputs, target, translate) => {
    if (node.op.type !== 'Add') return null;
    const [a, b] = node.inputs as Value[];
    const [output] = node.outputs;
    const rides = (value: Value) => {
      const product = uses.onlyUse(value, 'Gemm');
      return product?.inputs.length === 2 && sameShape(value.shape, output.shape) ? product : null;
    };
    const product = rides(b) ?? rides(a);
    const other = product === b.node ? a : b;
    if (!product || !sameShape(other.shape, output.shape)) return null;
    const [x, w] = product.inputs as Value[];
    // In the product's place: the sum is part of it.
    return target.instead(product, () => [
      gemm(translate(x), translate(w), product.attrs as GemmAttributes, translate(other)),
    ]);
  });
}
