/** `metrics.jsonl`: what a resumed run keeps of it, and that a checkpoint can count on its lines. */
import { appendFileSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { MetricsLog, readMetrics, type StepMetrics } from '../../src/run/metricsLog';
import { fileEvents } from '../support/durability';
import { inTemporaryFolder } from '../support/temporary';

const lineOf = (step: number): StepMetrics => ({
  step,
  epoch: 0,
  loss: 1 / step,
  accuracy: 0,
  learning_rate: 0.1,
  skipped_steps: 10 * step,
  images_per_second: 1,
  data_wait: 0,
  elapsed_seconds: step / 4,
});

test('a run that goes on after a step keeps the lines up to it, and counts on from the last', () =>
  inTemporaryFolder((folder) => {
    const file = path.join(folder, 'metrics.jsonl');
    const first = new MetricsLog(file, 0);
    expect([first.elapsedBefore, first.skippedBefore]).toEqual([0, 0]);
    for (const step of [1, 2, 3]) first.write(lineOf(step));
    first.close();
    appendFileSync(file, '{"step":4,"lo');
    expect(readMetrics(file)).toEqual([1, 2, 3].map(lineOf));
    const second = new MetricsLog(file, 2);
    expect([second.elapsedBefore, second.skippedBefore]).toEqual([0.5, 20]);
    second.write(lineOf(3));
    second.close();
    expect(readFileSync(file, 'utf8')).toBe(
      [1, 2, 3].map((step) => `${JSON.stringify(lineOf(step))}\n`).join(''),
    );
    new MetricsLog(file, 0).close();
    expect(readMetrics(file)).toEqual([]);
  }));

test('sync brings the lines to the disk', () =>
  inTemporaryFolder(async (folder) => {
    const file = path.join(folder, 'metrics.jsonl');
    const events = await fileEvents(() => {
      const log = new MetricsLog(file, 0);
      log.write(lineOf(1));
      log.sync();
      log.close();
    });
    expect(events.slice(-2)).toEqual(['write metrics.jsonl', 'sync metrics.jsonl']);
  }));
