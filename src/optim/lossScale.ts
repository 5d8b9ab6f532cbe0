/**
 * Dynamic loss scaling, as PyTorch's GradScaler: the loss is multiplied before the gradients, so that small ones do not
 * vanish in float16; where one overflows the step is skipped and the factor falls, after enough good steps it grows.
 */
import type { Value } from '../graph/graph';
import { abs, add, greaterOrEqual, less, minimum, mul, where } from '../ops/elementwise';
import { reduceSum } from '../ops/reduce';

export interface LossScaling {
  readonly growthFactor: number;
  readonly backoffFactor: number;
  readonly growthInterval: number;
}

/** Both scalars, float32. */
export interface LossScaleState {
  readonly scale: Value;
  /** steps with finite gradients since the last change of the scale */
  readonly goodSteps: Value;
}

/** Grown further it would be infinite, from which no division leads back. */
const LARGEST_SCALE = 2 ** 126;

/**
 * Whether every element is finite, as a scalar bool: a sum over all of them is not where one is not. (A sum of finite ones
 * that leaves float32 counts as not finite too.)
 */
export function allFinite(values: readonly Value[]): Value {
  const sum = values.map((v) => reduceSum(v)).reduce(add);
  // A comparison with NaN is false; 2^127 is below the largest float32.
  return less(abs(sum), 2 ** 127);
}

/** The state after a step with finite gradients or a skipped one. */
export function nextLossScale(
  finite: Value,
  { scale, goodSteps }: LossScaleState,
  { growthFactor, backoffFactor, growthInterval }: LossScaling,
): LossScaleState {
  const counted = add(goodSteps, 1);
  const grows = greaterOrEqual(counted, growthInterval);
  const grown = minimum(mul(scale, growthFactor), LARGEST_SCALE);
  return {
    scale: where(finite, where(grows, grown, scale), mul(scale, backoffFactor)),
    goodSteps: where(finite, where(grows, 0, counted), 0),
  };
}
