/** What a run writes down of its steps: metrics.jsonl and TensorBoard events, with the pace between the lines. */
import { MetricsLog } from '../run/metricsLog';
import type { StepMetrics } from '../run/metricsLog';
import { runPaths } from '../run/runFolder';
import type { StepResult } from './stepper';
import { TensorBoardWriter } from './tensorboard';

export class RunLog {
  private readonly metrics: MetricsLog;
  private readonly tensorboard: TensorBoardWriter;
  private elapsed: number;
  private skipped: number;
  private lastTime = performance.now();

  /** `step`: steps finished before; `warn` hears of damaged lines that are removed. */
  constructor(directory: string, step: number, warn: (line: string) => void = () => undefined) {
    const paths = runPaths(directory);
    this.metrics = new MetricsLog(paths.metrics, step, warn);
    this.tensorboard = new TensorBoardWriter(paths.tensorboard, step);
    this.elapsed = this.metrics.elapsedBefore;
    this.skipped = this.metrics.skippedBefore;
  }

  /**
   * Writes the steps of one call of the session, which follow `done` finished ones. They share the time since the last
   * call evenly; `waited` seconds of it went by waiting for data.
   */
  write(results: readonly StepResult[], done: number, waited: number, imagesPerStep: number): StepMetrics[] {
    const now = performance.now();
    const seconds = (now - this.lastTime) / 1000;
    this.lastTime = now;
    return results.map(({ epoch, learningRate, metrics }, i) => {
      this.elapsed += seconds / results.length;
      const { loss, accuracy, ...others } = metrics;
      const line: StepMetrics = {
        step: done + i + 1,
        epoch,
        loss,
        accuracy,
        learning_rate: learningRate,
        ...others,
        ...('skipped' in metrics && { skipped_steps: (this.skipped += metrics.skipped) }),
        images_per_second: round((imagesPerStep * results.length) / seconds),
        data_wait: round(waited / seconds),
        elapsed_seconds: round(this.elapsed),
      };
      this.metrics.write(line);
      const { step, ...scalars } = line;
      this.tensorboard.write(step, scalars);
      return line;
    });
  }

  /** Leaves so much of the time since the last call out of what `write` will count. */
  exclude(milliseconds: number): void {
    this.lastTime += milliseconds;
  }

  /** Takes the time from here on: what came since the last steps was no training. */
  restartClock(): void {
    this.lastTime = performance.now();
  }

  sync(): void {
    this.metrics.sync();
    this.tensorboard.sync();
  }

  close(): void {
    this.metrics.close();
    this.tensorboard.close();
  }
}

/** Clock readings to the millisecond; more digits are noise. */
const round = (value: number) => Number(value.toFixed(3));
