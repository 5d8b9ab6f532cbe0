/** Means, deviations and intervals over a handful of seeds. */
import { mean } from '../mean';

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
