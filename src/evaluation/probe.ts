/** A measurement between training steps, which the caller of `train` brings along. */
import type { BatchOptions, BrokenImage } from '../data/batches/options';
import type { StateSession } from '../runtime/stateSession';

export interface Measurement {
  readonly metrics: Readonly<Record<string, number>>;
  /** for people */
  readonly text: string;
  /** images that were skipped */
  readonly broken: readonly BrokenImage[];
}

export interface Probe {
  /** steps between two measurements; the last step is measured too */
  readonly every: number;
  /** Measures the session's present state. `policy`: what an image does that cannot be decoded. */
  measure(session: StateSession, policy: BatchOptions['broken']): Promise<Measurement>;
}

/** Steps from `step` to the next measurement. */
export const stepsToProbe = (probe: Probe | undefined, step: number): number =>
  probe ? probe.every - (step % probe.every) : Infinity;
