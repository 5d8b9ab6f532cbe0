/** Progress for people: one updating line on a terminal, plain lines now and then elsewhere. */
import { SingleBar } from 'cli-progress';
import type { StepMetrics } from './metricsLog';

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

/** Seconds between two lines where the output is no terminal. */
const PLAIN_INTERVAL = 5;

export function createReporter(output: NodeJS.WriteStream = process.stderr): Reporter {
  return output.isTTY ? terminalReporter(output) : plainReporter(output);
}

function terminalReporter(output: NodeJS.WriteStream): Reporter {
  const pace = new Pace();
  const bar = textBar(output);
  return {
    line: (text) => {
      bar.stop();
      output.write(`${text}\n`);
    },
    step: (metrics, total) => {
      const left = pace.secondsLeft(metrics.step, total);
      bar.update(metrics.step, total, describeStep(metrics, total, left));
    },
    stop: () => bar.stop(),
  };
}

/** One updating line of a terminal: a bar, and a text. */
export function textBar(output: NodeJS.WriteStream) {
  let bar: SingleBar | null = null;
  return {
    update: (done: number, total: number, text: string) => {
      if (!bar) {
        // gracefulExit would end the process on Ctrl-C before its checkpoint is written.
        bar = new SingleBar({
          format: '{bar} {text}',
          stream: output,
          barsize: 12,
          fps: 5,
          hideCursor: true,
          gracefulExit: false,
        });
        bar.start(total, done, { text });
      }
      bar.update(done, { text });
    },
    stop: () => {
      bar?.stop();
      bar = null;
    },
  };
}

export function plainReporter(output: Pick<NodeJS.WritableStream, 'write'>): Reporter {
  const pace = new Pace();
  let last = -Infinity;
  return {
    line: (text) => void output.write(`${text}\n`),
    step: (metrics, total) => {
      const seconds = pace.secondsLeft(metrics.step, total);
      const now = performance.now() / 1000;
      if (now - last < PLAIN_INTERVAL && metrics.step !== total) return;
      last = now;
      output.write(`${describeStep(metrics, total, seconds)}\n`);
    },
    stop: () => {},
  };
}

export function describeStep(metrics: StepMetrics, total: number, secondsLeft: number): string {
  return [
    `step ${metrics.step}/${total}`,
    `loss ${metrics.loss.toFixed(4)}`,
    `accuracy ${(100 * metrics.accuracy).toFixed(1)}%`,
    ...(metrics.skipped_steps > 0 ? [`${metrics.skipped_steps} skipped`] : []),
    `lr ${metrics.learning_rate.toPrecision(3)}`,
    `${metrics.images_per_second.toFixed(metrics.images_per_second < 10 ? 1 : 0)} images/s`,
    `${formatDuration(secondsLeft)} left`,
  ].join('  ');
}

/** `45s`, `3m05s`, `2h07m`; `?` where unknown. */
export function formatDuration(seconds: number): string {
  if (!Number.isFinite(seconds)) return '?';
  const whole = Math.round(seconds);
  const two = (value: number) => String(value).padStart(2, '0');
  if (whole < 60) return `${whole}s`;
  if (whole < 3600) return `${Math.floor(whole / 60)}m${two(whole % 60)}s`;
  return `${Math.floor(whole / 3600)}h${two(Math.floor((whole % 3600) / 60))}m`;
}

/** The mean pace since the first call of this process. */
export class Pace {
  private first: { step: number; time: number } | null = null;

  /** NaN at the first call */
  perSecond(step: number): number {
    const time = performance.now() / 1000;
    this.first ??= { step, time };
    const done = step - this.first.step;
    return done === 0 ? NaN : done / (time - this.first.time);
  }

  secondsLeft(step: number, total: number): number {
    const pace = this.perSecond(step);
    return step === total ? 0 : (total - step) / pace;
  }
}
