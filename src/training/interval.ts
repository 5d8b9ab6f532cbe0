/** How sure a measured fraction is. */
import { mean } from '../mean';

/** 97.5 % quantile of the standard normal. */
const Z = 1.959963984540054;

/** 95 % confidence interval [low, high] of a fraction measured on `count` independent trials (Wilson's score interval). */
export function wilson(fraction: number, count: number): [low: number, high: number] {
  const centre = fraction + (Z * Z) / (2 * count);
  const half = Z * Math.sqrt((fraction * (1 - fraction)) / count + (Z * Z) / (4 * count * count));
  const scale = 1 / (1 + (Z * Z) / count);
  return [Math.max(0, scale * (centre - half)), Math.min(1, scale * (centre + half))];
}

/**
 * Independent trials that the mean of `fractions` is worth, each the share of right answers to `trials` questions about one
 * image: so many that the binomial variance equals the spread between the images. Answers about one image may agree, so
 * that it lies between the number of images and that of questions.
 */
export function effectiveTrials(fractions: readonly number[], trials: number): number {
  const count = fractions.length;
  const average = mean(fractions);
  const variance = mean(fractions.map((value) => (value - average) ** 2));
  const worth = variance > 0 ? (count * average * (1 - average)) / variance : count;
  return Math.min(Math.max(worth, count), count * trials);
}
