/** Lines that were torn: every reader takes what comes before, and a resumed run writes no others. */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { MetricsLog, parseMetrics, readMetrics } from '../../src/run/metricsLog';
import { readRecords } from '../../src/run/records';
import { parseValidation, readValidation } from '../../src/run/validationFile';
import { inTemporaryFolder } from '../support/temporary';

const metrics = (step: number) =>
  JSON.stringify({
    step,
    epoch: 0,
    loss: 1,
    accuracy: 0.5,
    learning_rate: 0.1,
    images_per_second: 100,
    data_wait: 0,
    elapsed_seconds: step,
  });
const validation = (step: number) => JSON.stringify({ step, count: 5, loss: 1, accuracy: 0.5, top5: null });

const DAMAGE: readonly (readonly [what: string, line: (line: (step: number) => string) => string])[] = [
  ['a torn line', (line) => line(3).slice(0, 20)],
  ['zeros after a power cut', () => '\0'.repeat(40)],
  ['zeros before a line', (line) => `\0\0${line(3)}`],
  ['JSON that is no record', () => '{"step":3}'],
  ['a number', () => '3'],
  ['null', () => 'null'],
  ['nothing', () => ''],
  ['two lines that ran together', (line) => line(3).slice(0, 9) + line(3)],
  ['a step that comes again', (line) => line(2)],
  ['an earlier step', (line) => line(1)],
];

describe.each([
  ['metrics.jsonl', metrics, parseMetrics, readMetrics],
  ['validation.jsonl', validation, parseValidation, readValidation],
] as const)('%s', (name, line, parse, read) => {
  test.each(DAMAGE)('%s', (_, damage) =>
    inTemporaryFolder((folder) => {
      const file = path.join(folder, name);
      writeFileSync(file, `${[line(1), line(2), damage(line), line(4)].join('\n')}\n`);
      const records = readRecords<{ step: number }>(file, parse);
      expect(records.values.map(({ step }) => step)).toEqual([1, 2]);
      expect(records.problem(name)).toBe(`${name}: line 3 is damaged`);
      expect(read(file)).toEqual(records.values);
    }),
  );
});

test('a run that goes on removes what is damaged, and says so', () =>
  inTemporaryFolder((folder) => {
    const file = path.join(folder, 'metrics.jsonl');
    const written = `${[metrics(1), metrics(2), '\0\0', metrics(4), metrics(5)].join('\n')}\n`;
    writeFileSync(file, written);
    const said: string[] = [];
    const open = (step: number) => {
      new MetricsLog(file, step, (text) => said.push(text)).close();
      return readFileSync(file, 'utf8');
    };
    expect(open(4)).toBe(`${metrics(1)}\n${metrics(2)}\n`);
    expect(said).toEqual([`${file}: line 3 is damaged; it and the lines behind it are removed`]);
    open(4);
    // lines of later steps go anyway
    writeFileSync(file, written);
    expect(open(1)).toBe(`${metrics(1)}\n`);
    expect(said).toHaveLength(1);
  }));

test('a line is metrics only where its values are numbers; those that were not finite are not there', () => {
  const line = metrics(4);
  expect(parseMetrics(line)).toMatchObject({ step: 4 });
  expect(parseMetrics(line.replace('"loss":1', '"loss":null'))).toBeNull();
  expect(parseMetrics(line.replace('"epoch"', '"more":"text","epoch"'))).toBeNull();
  expect(parseMetrics(line.replace('"epoch"', '"gradient_norm":null,"epoch"'))).toEqual(parseMetrics(line));
});
