/**
 * Rewrites of an inference graph that need its weights: they keep the results to float32 rounding, spare operations, and
 * leave patterns that a runtime fuses (Conv + Relu, Conv + Add + Relu, GlobalAveragePool).
 */
import type { OnnxGraph } from '../../onnx/model';
import { useGlobalAveragePool } from './averagePool';
import { foldBatchNorm } from './foldBatchNorm';
import { foldInputScale } from './inputScale';
import { mergeShortcut } from './mergeShortcut';

export const REWRITE_NAMES = ['batchNorm', 'inputScale', 'shortcut', 'averagePool'] as const;
export type RewriteName = (typeof REWRITE_NAMES)[number];

const REWRITES: Readonly<Record<RewriteName, (graph: OnnxGraph) => OnnxGraph>> = {
  batchNorm: foldBatchNorm,
  inputScale: foldInputScale,
  shortcut: mergeShortcut,
  averagePool: useGlobalAveragePool,
};

/** All of them in their order but those named in `without`. */
export function simplify(graph: OnnxGraph, without: readonly RewriteName[] = []): OnnxGraph {
  return REWRITE_NAMES.filter((name) => !without.includes(name)).reduce(
    (result, name) => REWRITES[name](result),
    graph,
  );
}
