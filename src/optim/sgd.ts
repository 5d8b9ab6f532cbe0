/** SGD with momentum and L2, as torch.optim.SGD; LARS on top of it. */
import type { Value } from '../graph/graph';
import { add, and, greater, mul, sqrt, sub, where } from '../ops/elementwise';
import { divideSafely, squaredNorm, withDecay, type Optimizer } from './optimizer';

export interface Momentum {
  readonly momentum: number;
  readonly nesterov: boolean;
}

/** v <- m v + g; w <- w - r (g + m v) with Nesterov, w - r v without. */
function momentumStep({ momentum, nesterov }: Momentum, w: Value, g: Value, v: Value, learningRate: Value) {
  const velocity = add(mul(v, momentum), g);
  const direction = nesterov ? add(g, mul(velocity, momentum)) : velocity;
  return { parameter: sub(w, mul(direction, learningRate)), slots: [velocity] };
}

/** g <- g + d w, then the momentum step. */
export const sgd = (options: Momentum): Optimizer => ({
  slots: ['momentum'],
  countsSteps: false,
  update: ({ parameter, gradient, slots: [v], weightDecay, learningRate }) =>
    momentumStep(options, parameter, withDecay(gradient, parameter, weightDecay), v, learningRate),
});

/**
 * LARS (You, Gitman, Ginsburg 2017): g <- a (g + d w) with a = trust |w| / (|g| + d |w|), a = 1 where |w| or |g| is 0 and
 * for parameters with one axis; then the momentum step.
 */
export const lars = (options: Momentum & { readonly trust: number }): Optimizer => ({
  slots: ['momentum'],
  countsSteps: false,
  update: ({ parameter: w, gradient, slots: [v], weightDecay, learningRate }) => {
    let g = withDecay(gradient, w, weightDecay);
    if (w.rank > 1) {
      const weightNorm = sqrt(squaredNorm(w));
      const gradientNorm = sqrt(squaredNorm(gradient));
      const ratio = divideSafely(
        mul(weightNorm, options.trust),
        add(gradientNorm, mul(weightNorm, weightDecay)),
      );
      g = mul(g, where(and(greater(weightNorm, 0), greater(gradientNorm, 0)), ratio, 1));
    }
    return momentumStep(options, w, g, v, learningRate);
  },
});
