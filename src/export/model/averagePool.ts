/** The mean over both axes of an image as the operator for it, which runtimes take in their own layouts. */
import type { Graph } from '../../graph/graph';
import { flattenRows, globalAveragePooled } from '../../ops/onnx';
import { rewrite } from '../../passes/rewrite';

/** ReduceMean over axes 2 and 3 of [N, C, H, W] without keeping them -> GlobalAveragePool and Flatten. */
export const useGlobalAveragePool = (graph: Graph): Graph =>
  rewrite(graph, ({ op, attrs }, [x]) => {
    if (op.type !== 'ReduceMean' || x?.rank !== 4 || attrs.keepdims !== 0) return null;
    return (attrs.axes as readonly number[]).join() === '2,3' ? [flattenRows(globalAveragePooled(x))] : null;
  });
