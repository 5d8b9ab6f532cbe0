/** Learning rate by step: linear warm-up, then cosine, steps or constant. */
import type { Recipe } from './recipe';

export type Schedule = Recipe['schedule'];

/** Decay of the moving average in the update that follows `step` finished ones: an average over what there is, at first. */
export const averageDecay = (decay: number, step: number) => Math.min(decay, (1 + step) / (10 + step));

/** A warm-up never takes more than this part of a run, so that a short trial of a long recipe trains at its peak too. */
const LONGEST_WARMUP = 0.1;

/**
 * Learning rate of the update that follows `step` finished ones, 0 <= step < total.
 *
 * Warm-up over w steps: peak * (step + 1) / w, so the peak is reached in the last of them. After it, with
 * t = (step - w) / (total - w): cosine: peak * (1 + cos(pi t)) / 2; step: peak * factor ^ (milestones <= step / total);
 * constant: peak.
 */
export function learningRate(schedule: Schedule, step: number, total: number): number {
  const { kind, peak, warmupSteps, milestones, factor } = schedule;
  const warmup = Math.min(warmupSteps, Math.floor(LONGEST_WARMUP * total));
  if (step < warmup) return (peak * (step + 1)) / warmup;
  switch (kind) {
    case 'cosine':
      return (peak * (1 + Math.cos((Math.PI * (step - warmup)) / (total - warmup)))) / 2;
    case 'step':
      return peak * factor ** milestones.filter((milestone) => step >= milestone * total).length;
    case 'constant':
      return peak;
  }
}
