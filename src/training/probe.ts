/** A measurement between training steps, which the caller of `train` brings along. */
import type { StateSession } from '../runtime/stateSession';

export interface Probe {
  /** steps between two measurements; the last step is measured too */
  readonly every: number;
  /** Measures the session's present state; `text` is for people. */
  measure(session: StateSession): Promise<{ metrics: Readonly<Record<string, number>>; text: string }>;
}

/** Steps from `step` to the next measurement. */
export const stepsToProbe = (probe: Probe | undefined, step: number): number =>
  probe ? probe.every - (step % probe.every) : Infinity;
