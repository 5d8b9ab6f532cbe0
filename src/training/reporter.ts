/** What a run tells while it trains. */
import type { StepMetrics } from '../run/metricsLog';

/** Where a run tells people what it does. */
export interface Reporter {
  /** a line that stays */
  line(text: string): void;
  step(metrics: StepMetrics, totalSteps: number): void;
  /** ends the updating line */
  stop(): void;
}

/** Says nothing: for tests and programs. */
export const silentReporter: Reporter = { line: () => {}, step: () => {}, stop: () => {} };
