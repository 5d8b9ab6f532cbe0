/**
 * Rewrites of a network that need its weights: they keep the results to float32 rounding, spare operations, and leave patterns
 * that a runtime fuses (Conv + Relu, Conv + Add + Relu, GlobalAveragePool).
 */
import type { Graph } from '../../graph/graph';
import { removeDeadCode } from '../../passes/deadCode';
import { useGlobalAveragePool } from './averagePool';
import { foldBatchNorm } from './foldBatchNorm';
import { mergeShortcut } from './mergeShortcut';

/** `inputScale` is part of the input that a form has (input.ts). */
export const REWRITE_NAMES = ['batchNorm', 'inputScale', 'shortcut', 'averagePool'] as const;
export type RewriteName = (typeof REWRITE_NAMES)[number];

/** All but those named in `without`. */
export function simplify(graph: Graph, without: readonly RewriteName[]): Graph {
  const use = (name: RewriteName, pass: (graph: Graph) => Graph) =>
    without.includes(name) ? (same: Graph) => same : (before: Graph) => removeDeadCode(pass(before));
  const folded = use('batchNorm', foldBatchNorm)(graph);
  return use('averagePool', useGlobalAveragePool)(use('shortcut', mergeShortcut)(folded));
}
