/** AdamW, as torch.optim.AdamW. */
import { add, div, mul, pow, sqrt, sub } from '../ops/elementwise';
import type { Optimizer } from './optimizer';

export interface AdamWOptions {
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
}

/**
 * w <- w - r d w; p <- b1 p + (1 - b1) g; q <- b2 q + (1 - b2) g^2;
 * w <- w - r (p / (1 - b1^t)) / (sqrt(q / (1 - b2^t)) + epsilon)
 */
export const adamw = ({ beta1, beta2, epsilon }: AdamWOptions): Optimizer => ({
  slots: ['exp_avg', 'exp_avg_sq'],
  countsSteps: true,
  update: ({ parameter, gradient: g, slots: [p, q], weightDecay, learningRate, step }) => {
    if (!step) throw new Error('AdamW needs the number of the step');
    const average = add(mul(p, beta1), mul(g, 1 - beta1));
    const squares = add(mul(q, beta2), mul(mul(g, g), 1 - beta2));
    const correction = (beta: number) => sub(1, pow(step.graph.scalar(beta, step.dtype), step));
    const deviation = add(sqrt(div(squares, correction(beta2))), epsilon);
    const change = div(div(average, correction(beta1)), deviation);
    const decayed =
      weightDecay === 0 ? parameter : sub(parameter, mul(parameter, mul(learningRate, weightDecay)));
    return { parameter: sub(decayed, mul(change, learningRate)), slots: [average, squares] };
  },
});
