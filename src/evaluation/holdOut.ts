/** A part of labelled images set apart, balanced over the classes. */
import { Random } from '../base/random';

/**
 * Sets `fraction` of each class apart, at least one image and at most all but one; of a class with one image nothing.
 * Positions in `labels`, ascending, drawn from the seed.
 */
export function holdOut(
  labels: Int32Array,
  fraction: number,
  seed: number,
): { readonly kept: Int32Array; readonly held: Int32Array } {
  const members = new Map<number, number[]>();
  labels.forEach((label, at) => {
    const own = members.get(label);
    if (own) own.push(at);
    else members.set(label, [at]);
  });
  const held = new Set<number>();
  for (const [label, own] of members) {
    const count = Math.min(own.length - 1, Math.max(1, Math.round(fraction * own.length)));
    const order = new Random(seed, 'hold-out', label).permutation(own.length);
    order.subarray(0, count).forEach((i) => held.add(own[i]));
  }
  const positions = Int32Array.from(labels.keys());
  return { kept: positions.filter((at) => !held.has(at)), held: positions.filter((at) => held.has(at)) };
}
