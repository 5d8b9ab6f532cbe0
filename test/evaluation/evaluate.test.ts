/** Evaluation over a whole split, whatever the batch size. */
import { mkdtempSync, rmSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { evaluate } from '../../src/evaluation/evaluate';
import { wilson } from '../../src/base/statistics';
import { train } from '../../src/training/trainer';
import { readValidationIndices } from '../../src/run/validationFile';
import { writeImageFolder } from '../support/imageFolder';
import { writeSmallBundle } from '../support/smallRun';

const COUNT = 37;
let folder: string;
let data: string;
beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'selfie-evaluate-'));
  await writeImageFolder(path.join(folder, 'images'), COUNT);
  data = `folder:${path.join(folder, 'images')}`;
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('a last partial batch counts once: the same result for every batch size', async () => {
  const directory = path.join(folder, 'run');
  writeSmallBundle(directory);
  await train({ directory, data, steps: 12, threads: 1, checkpointEvery: 6 });
  const result = await evaluate({ directory, data, threads: 1 });
  expect(result.count).toBe(COUNT);
  expect(result.logits).toHaveLength(COUNT * 10);
  expect(result.perClass.map(({ count }) => count)).toEqual([4, 4, 4, 4, 4, 4, 4, 3, 3, 3]);
  const right = result.perClass.reduce((sum, { count, accuracy }) => sum + count * accuracy, 0);
  expect(right / COUNT).toBeCloseTo(result.accuracy, 6);
  expect(result.top5).toBeGreaterThanOrEqual(result.accuracy);
  expect(result.interval).toEqual(wilson(result.accuracy, COUNT));
  expect(result.chance).toBeCloseTo(4 / COUNT, 12);

  // Loss, accuracy and top-5 by hand from the logits; the folder's order is class by class.
  const labels = result.perClass.flatMap(({ count }, label) => Array<number>(count).fill(label));
  let loss = 0;
  let top1 = 0;
  let top5 = 0;
  labels.forEach((label, i) => {
    const row = Array.from(result.logits.slice(i * 10, (i + 1) * 10));
    loss += Math.log(row.reduce((sum, x) => sum + Math.exp(x), 0)) - row[label];
    top1 += Number(result.predictions[i] === label);
    top5 += Number(row.filter((x) => x > row[label]).length < 5);
    expect(row[result.predictions[i]]).toBe(Math.max(...row));
  });
  expect(result.loss).toBeCloseTo(loss / COUNT, 5);
  expect(result.accuracy).toBeCloseTo(top1 / COUNT, 6);
  expect(result.top5).toBeCloseTo(top5 / COUNT, 6);

  const checkpoint = result.checkpoint;
  for (const batch of [1, 37, 64]) {
    const other = path.join(folder, `batch-${batch}`);
    writeSmallBundle(other, `batch=${batch}`);
    const again = await evaluate({ directory: other, data, checkpoint, threads: 1 });
    expect(again.predictions).toEqual(result.predictions);
    expect(again.loss).toBeCloseTo(result.loss, 5);
  }

  await expect(evaluate({ directory, data, mask: 'block' })).rejects.toThrow(
    /--mask block: only a pretraining bundle/,
  );
  const some = await evaluate({ directory, data, images: 5, threads: 1 });
  expect([some.count, ...some.indices]).toEqual([5, 0, 7, 14, 22, 29]);
  const earlier = await evaluate({ directory, data, checkpoint: 6, threads: 1 });
  expect(earlier.step).toBe(6);
  await expect(evaluate({ directory, data, checkpoint: 7 })).rejects.toThrow(
    /no checkpoint of step 7; there are steps 12, 6/,
  );
});

test('an untrained run has nothing to evaluate', async () => {
  const directory = path.join(folder, 'untrained');
  writeSmallBundle(directory);
  await expect(evaluate({ directory, data })).rejects.toThrow(/no checkpoint yet/);
});

test('a broken image is skipped as the run does, in its validation too; broken images alone are no evaluation', async () => {
  const photos = path.join(folder, 'broken');
  await writeImageFolder(photos, COUNT);
  const spec = `folder:${photos}`;
  for (let i = 0; i < 10; i++)
    truncateSync(path.join(photos, `class${i}`, `${String(i).padStart(4, '0')}.png`), 60);
  const directory = path.join(folder, 'skipping');
  writeSmallBundle(directory, 'batch=4');
  const lines: string[] = [];
  const reporter = { line: (text: string) => lines.push(text), step: () => {}, stop: () => {} };
  const settings = { directory, data: spec, steps: 2, threads: 1, validation: '2/class', labels: '1/class' };
  const { broken } = await train({ ...settings, broken: 'skip' }, { reporter });
  const kept = new Set(readValidationIndices(directory));
  const named = lines.filter((line) => line.startsWith('warning: skipped: '));
  expect(named).toHaveLength(broken);
  const result = await evaluate({ directory, data: spec, split: 'validation', threads: 1 });
  expect(result.broken.length).toBeGreaterThan(0);
  expect(result.count + result.broken.length).toBe(kept.size);
  for (const { where } of result.broken) expect(named.filter((line) => line.includes(where))).toHaveLength(1);
  await expect(evaluate({ directory, data: spec, broken: 'fail', threads: 1 })).rejects.toThrow(/cannot be/);
  const none = { directory, data: spec, images: 1, threads: 1 };
  await expect(evaluate(none)).rejects.toThrow(/none of the 1 images can be read; first: .*0000.png cannot/);
});

test.each([
  [5, false],
  [6, true],
])('of %i classes top-5 says something: %p', async (classes, says) => {
  const directory = path.join(folder, `classes-${classes}`);
  const some = path.join(folder, `images-${classes}`);
  await writeImageFolder(some, classes, classes);
  writeSmallBundle(directory, `network.classes=${classes}`, 'batch=2');
  await train({ directory, data: `folder:${some}`, steps: 1, threads: 1 });
  const { top5 } = await evaluate({ directory, data: `folder:${some}`, threads: 1 });
  expect(top5 !== null).toBe(says);
});
