/** Training in mixed precision from a bundle: the loop, accumulation, skipped steps in the metrics, resuming. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { buildBundle } from '../../graphs/tasks';
import { recipeSchema, type RecipeInput } from '../../src/bundle/recipe';
import { listCheckpoints, readCheckpoint } from '../../src/run/checkpoints';
import { readMetrics } from '../../src/run/metricsLog';
import { train, type TrainOptions } from '../../src/training/trainer';
import { writeImageFolder } from '../support/imageFolder';

let folder: string;
let data: string;
beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'selfie-mixed-'));
  await writeImageFolder(path.join(folder, 'images'), 32);
  data = `folder:${path.join(folder, 'images')}`;
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A run folder with a bundle whose scale overflows at first and grows after 3 good steps. */
function newRun(name: string, lossScale: RecipeInput['lossScale'] = {}): string {
  const directory = path.join(folder, name);
  const recipe = recipeSchema.parse({
    task: 'finetune',
    compute: 'float16',
    lossScale: { initial: 2 ** 28, backoffFactor: 2 ** -7, growthInterval: 3, ...lossScale },
    image: { size: 8 },
    network: { stages: [1, 1], width: 4 },
    batch: 8,
    schedule: { kind: 'constant', peak: 0.02, warmupSteps: 0, steps: 12 },
    augment: { pad: 1, cropScale: 0 },
  });
  buildBundle('mixed', recipe, directory);
  return directory;
}
const run = (directory: string, more: Partial<TrainOptions> = {}) =>
  train({ directory, data, steps: 12, threads: 1, ...more });
const metrics = (directory: string) => readMetrics(path.join(directory, 'metrics.jsonl'));
const stateOf = (directory: string) => readCheckpoint(listCheckpoints(directory)[0].file).state;
const scaleOf = (directory: string) => Number(stateOf(directory).get('optim.loss_scale')?.data[0]);

test('skipped steps are counted, the scale falls and grows, the loss falls', async () => {
  const directory = newRun('plain');
  await run(directory, { checkpointEvery: 4 });
  const lines = metrics(directory);
  const skipped = lines.map((line) => line.skipped);
  expect(skipped[0]).toBe(1);
  expect(skipped.slice(4, 7)).toEqual([0, 0, 0]);
  const sums = skipped.map((_, i) => skipped.slice(0, i + 1).reduce((a, b) => a + b, 0));
  expect(lines.map((line) => line.skipped_steps)).toEqual(sums);
  expect(lines[11].loss).toBeLessThan(lines[0].loss);
  // 28 - 7 for each skipped step + 1 for each 3 good ones since the last change
  let scale = 2 ** 28;
  let good = 0;
  for (const one of skipped) {
    good = one ? 0 : good + 1;
    if (one) scale *= 2 ** -7;
    else if (good === 3) [scale, good] = [2 * scale, 0];
  }
  expect(scaleOf(directory)).toBe(scale);
});

test('a resumed run is the one that never stopped, the scale and the count of skipped steps included', async () => {
  const [whole, cut] = [newRun('whole'), newRun('cut')];
  await run(whole, { checkpointEvery: 2 });
  const stop = new AbortController();
  const stopAt2 = {
    line: () => {},
    stop: () => {},
    step: ({ step }: { step: number }) => {
      if (step >= 2) stop.abort();
    },
  };
  const options = { directory: cut, data, steps: 12, threads: 1, checkpointEvery: 2 };
  const first = await train(options, { reporter: stopAt2, signal: stop.signal });
  expect(first.interrupted).toBe(true);
  expect(scaleOf(cut)).toBeLessThan(2 ** 28);
  await train({ directory: cut, resume: true });
  const facts = (directory: string) =>
    metrics(directory).map(({ step, loss, skipped, skipped_steps }) => [step, loss, skipped, skipped_steps]);
  expect(facts(cut)).toEqual(facts(whole));
  expect([...stateOf(cut)]).toEqual([...stateOf(whole)]);
});

test('K steps in one call are the same steps', async () => {
  const [single, loop] = [newRun('single'), newRun('loop')];
  await run(single);
  await run(loop, { stepsPerRun: 4 });
  expect(metrics(loop).map((line) => line.skipped)).toEqual(metrics(single).map((line) => line.skipped));
  metrics(loop).forEach(({ loss }, i) => expect(loss).toBeCloseTo(metrics(single)[i].loss, 2));
  expect(scaleOf(loop)).toBe(scaleOf(single));
});

test('accumulated steps skip and count too', async () => {
  const directory = newRun('accumulated');
  await run(directory, { steps: 6, accumulate: 2 });
  const lines = metrics(directory);
  expect(lines.map((line) => line.step)).toEqual([1, 2, 3, 4, 5, 6]);
  expect(lines[0].skipped).toBe(1);
  expect(lines[5].skipped).toBe(0);
  expect(scaleOf(directory)).toBeLessThan(2 ** 28);
});

test('a run whose gradients never are finite stops by name', async () => {
  const directory = newRun('never', { initial: 2 ** 120, backoffFactor: 0.99 });
  await expect(run(directory, { steps: 60 })).rejects.toThrow(
    /^no gradients were finite for 50 steps, last at step 50; /,
  );
});
