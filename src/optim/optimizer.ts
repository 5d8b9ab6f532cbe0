/** What an optimizer is to a training graph: its state for each parameter, and one update in ONNX operators. */
import type { Operand } from '../graph/op';
import type { Value } from '../graph/graph';
import { maximum, div, add, minimum, mul, sqrt } from '../ops/elementwise';
import { reduceSum } from '../ops/reduce';

export interface Update {
  readonly parameter: Value;
  readonly gradient: Value;
  /** The optimizer's tensors of this parameter, in the order of `slots`. */
  readonly slots: readonly Value[];
  /** L2 factor, 0 where this parameter is not decayed. */
  readonly weightDecay: number;
  /** Scalar. */
  readonly learningRate: Value;
  /** Scalar, 1 in the first step; only for optimizers with `countsSteps`. */
  readonly step: Value | null;
}

export interface Optimizer {
  /** Names of the tensors kept for each parameter, all zero at first: state `optim.<slot>.<parameter>`. */
  readonly slots: readonly string[];
  /** Whether the number of steps so far is state too (`optim.step`). */
  readonly countsSteps: boolean;
  update(update: Update): { readonly parameter: Value; readonly slots: readonly Value[] };
}

export const squaredNorm = (x: Value) => reduceSum(mul(x, x));

/** Global L2 norm over all gradients. */
export const globalNorm = (gradients: readonly Value[]) => sqrt(gradients.map(squaredNorm).reduce(add));

/** Scales the gradients so that their global norm is at most `limit`, as torch.nn.utils.clip_grad_norm_. */
export function clipByGlobalNorm(gradients: readonly Value[], norm: Value, limit: number): Value[] {
  const factor = minimum(div(norm.graph.scalar(limit, norm.dtype), add(norm, 1e-6)), 1);
  return gradients.map((g) => mul(g, factor));
}

/** g + d w, or g itself where d is 0. */
export const withDecay = (gradient: Value, parameter: Value, decay: number): Value =>
  decay === 0 ? gradient : add(gradient, mul(parameter, decay));

/** Divides safely: numerator / max(denominator, tiny). */
export const divideSafely = (numerator: Operand, denominator: Value) =>
  div(numerator, maximum(denominator, 1e-30));
