/** Means, deviations, and how sure a measured number is. */

/** The mean of some numbers; NaN of none. */
export const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

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

/** Quantile 0.975 of Student's t for 1 .. 30 degrees of freedom (scipy.stats.t.ppf, three digits). */
const T_975 = [
  12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.16, 2.145, 2.131,
  2.12, 2.11, 2.101, 2.093, 2.086, 2.08, 2.074, 2.069, 2.064, 2.06, 2.056, 2.052, 2.048, 2.045, 2.042,
];
const NORMAL_975 = 1.96;

/** Sample standard deviation (divisor n - 1); NaN for fewer than two values. */
export function deviation(values: readonly number[]): number {
  if (values.length < 2) return NaN;
  const middle = mean(values);
  return Math.sqrt(values.reduce((sum, x) => sum + (x - middle) ** 2, 0) / (values.length - 1));
}

export interface Estimate {
  readonly mean: number;
  readonly deviation: number;
  /** 95 % interval of the mean, Student's t; null for fewer than two values */
  readonly interval: readonly [low: number, high: number] | null;
  readonly count: number;
}

export function estimate(values: readonly number[]): Estimate {
  const count = values.length;
  const [middle, spread] = [mean(values), deviation(values)];
  const half = ((T_975[count - 2] ?? NORMAL_975) * spread) / Math.sqrt(count);
  return {
    mean: middle,
    deviation: spread,
    interval: count < 2 ? null : [middle - half, middle + half],
    count,
  };
}
