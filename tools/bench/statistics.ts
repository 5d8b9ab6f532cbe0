/** Summary numbers of a few measurements. */
import { minOf } from '../../src/base/lists';
import { maxOf } from '../../src/base/lists';

export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** The middle value, or the mean of the two in the middle; NaN for none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return sorted.length % 2 === 1 ? sorted[Math.floor(middle)] : (sorted[middle - 1] + sorted[middle]) / 2;
}

export const spread = (values: readonly number[]): Spread => ({
  median: median(values),
  min: minOf(values),
  max: maxOf(values),
});

/**
 * How many times longer `theirs` takes than `ours`: the median over the rounds that have both of the ratio of the rounds'
 * medians, so that a machine that drifts between rounds does not count. Undefined where no round has both.
 */
export function pairedRatio(
  theirs: readonly (readonly number[] | undefined)[],
  ours: readonly (readonly number[] | undefined)[],
): number | undefined {
  const ratios = theirs.flatMap((values, round) => {
    const own = ours[round];
    return values?.length && own?.length ? [median(values) / median(own)] : [];
  });
  return ratios.length > 0 ? median(ratios) : undefined;
}
