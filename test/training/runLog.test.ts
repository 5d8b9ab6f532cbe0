/** The pace in a run's logs, on a clock of its own, and what a resumed run counts on from. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { readMetrics } from '../../src/run/metricsLog';
import { RunLog } from '../../src/training/runLog';
import type { StepResult } from '../../src/training/stepper';
import { fileEvents } from '../support/durability';
import { inTemporaryFolder } from '../support/temporary';

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

const result = (loss: number, more: Readonly<Record<string, number>> = {}): StepResult => ({
  epoch: 3,
  learningRate: 0.25,
  metrics: { loss, accuracy: 0.5, ...more },
});
const linesOf = (folder: string) => readMetrics(path.join(folder, 'metrics.jsonl'));

test('the steps of a call share the time since the last one, less what was no training', () =>
  inTemporaryFolder((folder) => {
    const log = new RunLog(folder, 0);
    jest.advanceTimersByTime(2000);
    const [first] = log.write([result(4)], 0, 0.5, 8);
    const common = { epoch: 3, accuracy: 0.5, learning_rate: 0.25 };
    const pace = { images_per_second: 4, data_wait: 0.25, elapsed_seconds: 2 };
    expect(first).toEqual({ step: 1, loss: 4, ...common, ...pace });
    jest.advanceTimersByTime(5000);
    log.exclude(1000);
    const shared = { images_per_second: 4, data_wait: 0 };
    expect(log.write([result(3), result(2)], 1, 0, 8)).toEqual([
      { step: 2, loss: 3, ...common, ...shared, elapsed_seconds: 4 },
      { step: 3, loss: 2, ...common, ...shared, elapsed_seconds: 6 },
    ]);
    jest.advanceTimersByTime(60_000);
    log.restartClock();
    jest.advanceTimersByTime(700);
    const [last] = log.write([result(1, { gradient_norm: 7 })], 3, 0, 8);
    expect(last).toMatchObject({
      step: 4,
      gradient_norm: 7,
      images_per_second: 11.429,
      elapsed_seconds: 6.7,
    });
    log.close();
    expect(linesOf(folder).map(({ step, loss }) => [step, loss])).toEqual([
      [1, 4],
      [2, 3],
      [3, 2],
      [4, 1],
    ]);
  }));

test('a resumed run counts seconds and skipped steps on, and begins an event file of its own', () =>
  inTemporaryFolder((folder) => {
    const first = new RunLog(folder, 0);
    jest.advanceTimersByTime(1500);
    first.write([result(1, { skipped: 1 }), result(1, { skipped: 0 }), result(1, { skipped: 1 })], 0, 0, 1);
    first.close();
    expect(linesOf(folder).map((line) => line.skipped_steps)).toEqual([1, 1, 2]);
    const second = new RunLog(folder, 2);
    jest.advanceTimersByTime(500);
    const [line] = second.write([result(1, { skipped: 1 })], 2, 0, 1);
    second.close();
    expect(line).toMatchObject({ step: 3, skipped_steps: 2, elapsed_seconds: 1.5 });
    expect(linesOf(folder)).toHaveLength(3);
    const events = readdirSync(path.join(folder, 'tensorboard')).sort();
    expect(events).toHaveLength(2);
    const text = readFileSync(path.join(folder, 'tensorboard', events[1]), 'latin1');
    expect(text).toContain('learning_rate');
    expect(text).toContain('skipped_steps');
  }));

test('sync brings both logs to the disk', () =>
  inTemporaryFolder(async (folder) => {
    const events = await fileEvents(() => {
      const log = new RunLog(folder, 0);
      log.write([result(1)], 0, 0, 1);
      log.sync();
      log.close();
    });
    expect(events.slice(-2)).toEqual(['sync metrics.jsonl', expect.stringMatching(/^sync events\.out/)]);
  }));
