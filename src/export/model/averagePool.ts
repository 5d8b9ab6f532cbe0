/** The mean over both axes of an image as the operator for it, which runtimes take in their own layouts. */
import type { OnnxGraph, OnnxNode } from '../../onnx/model';
import { attribute, indexOf, ints, withoutUnused, type GraphIndex } from './nodes';

const KEEPS_RANK = new Set(['Relu', 'Add', 'BatchNormalization']);

/** Whether the value has rank 4, as far as its makers tell: a convolution with a kernel of rank 4 is behind it. */
function isImage({ initializer, producer }: GraphIndex, value: string): boolean {
  let node = producer.get(value);
  while (node && KEEPS_RANK.has(node.opType)) node = producer.get(node.inputs[0]);
  return node?.opType === 'Conv' && initializer.get(node.inputs[1])?.shape.length === 4;
}

/** ReduceMean over axes 2 and 3 of [N, C, H, W] without keeping them -> GlobalAveragePool and Flatten. */
export function useGlobalAveragePool(graph: OnnxGraph): OnnxGraph {
  const index = indexOf(graph);
  const overImage = (node: OnnxNode) => {
    if (node.opType !== 'ReduceMean' || attribute(node, 'keepdims') !== 0) return false;
    const given = index.initializer.get(node.inputs[1] ?? '')?.data;
    const axes = given ? Array.from(given, Number) : ints(node, 'axes');
    return axes.join() === '2,3' && isImage(index, node.inputs[0]);
  };
  const nodes = graph.nodes.flatMap((node) => {
    if (!overImage(node)) return [node];
    const pooled = `${node.name}/pooled`;
    const pool = { name: pooled, opType: 'GlobalAveragePool', domain: '', attributes: [] };
    return [
      { ...pool, inputs: [node.inputs[0]], outputs: [pooled] },
      { ...node, opType: 'Flatten', inputs: [pooled], attributes: [] },
    ];
  });
  return withoutUnused({ ...graph, nodes });
}
