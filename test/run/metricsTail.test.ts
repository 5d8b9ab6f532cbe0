/** Following metrics.jsonl: growing, cut, replaced and broken files. */
import { appendFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { MetricsTail } from '../../src/run/metricsTail';
import { inTemporaryFolder } from '../support/temporary';

const line = (step: number, loss = 1) =>
  JSON.stringify({
    step,
    epoch: 0,
    loss,
    accuracy: 0.5,
    learning_rate: 0.1,
    images_per_second: 100,
    data_wait: 0,
    elapsed_seconds: step,
  });
const steps = (tail: MetricsTail) => tail.records.values.map(({ step }) => step);

test('lines come as they are finished, also those that are written in pieces', () =>
  inTemporaryFolder((folder) => {
    const file = path.join(folder, 'metrics.jsonl');
    const tail = new MetricsTail(file);
    expect(tail.read()).toBeNull();
    writeFileSync(file, `${line(1)}\n${line(2).slice(0, 20)}`);
    expect(tail.read()).toBeGreaterThan(0);
    expect(steps(tail)).toEqual([1]);
    appendFileSync(file, line(2).slice(20));
    tail.read();
    expect(steps(tail)).toEqual([1]);
    appendFileSync(file, `\n${line(3)}\n`);
    tail.read();
    expect(steps(tail)).toEqual([1, 2, 3]);
    expect(tail.records.damagedAt).toBeNull();
  }));

test('a file that was cut or replaced is read anew', () =>
  inTemporaryFolder((folder) => {
    const file = path.join(folder, 'metrics.jsonl');
    const tail = new MetricsTail(file);
    writeFileSync(file, `${line(1)}\n${line(2)}\n${line(3)}\n`);
    tail.read();
    writeFileSync(file, `${line(1, 7)}\n`);
    tail.read();
    expect(tail.records.values).toMatchObject([{ step: 1, loss: 7 }]);
    // as MetricsLog does when a run is resumed: another file under the same name, longer than before
    writeFileSync(`${file}.tmp`, [1, 2, 3, 4].map((step) => `${line(step, 9)}\n`).join(''));
    renameSync(`${file}.tmp`, file);
    tail.read();
    expect(tail.records.values.map(({ loss }) => loss)).toEqual([9, 9, 9, 9]);
  }));

test('what is behind a damaged line does not count, until the file is replaced', () =>
  inTemporaryFolder((folder) => {
    const file = path.join(folder, 'metrics.jsonl');
    const tail = new MetricsTail(file);
    writeFileSync(file, `${line(1)}\nnonsense\n${line(2)}\n`);
    tail.read();
    appendFileSync(file, `${line(3)}\n`);
    tail.read();
    expect([steps(tail), tail.records.damagedAt]).toEqual([[1], 2]);
    writeFileSync(`${file}.new`, `${line(1)}\n${line(2)}\n`);
    renameSync(`${file}.new`, file);
    tail.read();
    expect([steps(tail), tail.records.damagedAt]).toEqual([[1, 2], null]);
  }));
