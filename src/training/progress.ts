/** Progress for people: one updating line on a terminal, plain lines now and then elsewhere. */
import { plainLine } from '../base/errors';
import { formatDuration, Pace, textBar } from '../base/progress';
import type { StepMetrics } from '../run/metricsLog';
import type { Reporter } from './reporter';

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
      output.write(`${plainLine(text)}\n`);
    },
    step: (metrics, total) => {
      const left = pace.secondsLeft(metrics.step, total);
      bar.update(metrics.step, total, describeStep(metrics, total, left));
    },
    stop: () => bar.stop(),
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
