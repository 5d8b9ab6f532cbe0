/** The batches that a training feeds are those that recipe, options and place in the data say. */
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { readBundle } from '../../src/bundle/read';
import type { LoaderOptions } from '../../src/data/batches/loader';
import type { Batch } from '../../src/data/batches/options';
import { batchOptions } from '../../src/evaluation/feeds';
import type { StepMetrics } from '../../src/run/metricsLog';
import { toBytes, type TypedArray } from '../../src/tensors/dtype';
import { prepareRun, type TrainOptions } from '../../src/training/prepare';
import { silentReporter } from '../../src/training/reporter';
import { train } from '../../src/training/trainer';
import { take } from '../support/batches';
import { writeImageFolder } from '../support/imageFolder';
import { writeSmallBundle } from '../support/smallRun';
import { type Call, callsOf } from '../support/wiring';

let folder: string;
let data: string;
beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'selfie-batches-'));
  await writeImageFolder(path.join(folder, 'images'), 40, 4);
  data = `folder:${path.join(folder, 'images')}`;
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function newRun(name: string, ...settings: string[]): string {
  const directory = path.join(folder, name);
  writeSmallBundle(directory, 'batch=4', 'network.classes=4', ...settings);
  return directory;
}

/** What the loader gives for this bundle, `more` said. */
const expected = (directory: string, count: number, more: Partial<LoaderOptions> = {}) =>
  take(
    {
      ...batchOptions(readBundle(directory).manifest, 'train'),
      spec: data,
      split: 'train',
      seed: 0,
      ...more,
    },
    count,
  );

const NAMES = ['images', 'labels', 'patch_order', 'unlabelled_weak', 'unlabelled_strong'] as const;

function expectFed(calls: readonly Call[], batches: readonly Batch[]): void {
  const fed = calls.filter(({ graph }) => graph === 'train' || graph === 'grad');
  const digests = (arrays: (TypedArray | undefined)[]) =>
    arrays.map((array) => array && createHash('sha256').update(toBytes(array)).digest('hex'));
  for (const name of NAMES)
    expect([name, digests(fed.map(({ feeds }) => new Map(feeds).get(name)?.data))]).toEqual([
      name,
      digests(batches.map((batch) => batch[name])),
    ]);
}

const OPTIONS: Partial<TrainOptions> = { steps: 4, labels: '20', validation: '8', seed: 3 };
const prepared = (directory: string) => prepareRun({ directory, data, ...OPTIONS }, () => {});

test('pretraining: augmented images of the labelled part with patch orders of the recipe’s mask', async () => {
  const directory = newRun('pretrain', 'task=pretrain', 'patch.mask=rows', 'augment.cutout=0.5');
  const { indices } = await prepared(directory);
  expectFed(
    await callsOf({ directory, data, ...OPTIONS }),
    await expected(directory, 4, { indices, seed: 3 }),
  );
});

test('consistency training: the strong form as the recipe has it, of all that validation leaves', async () => {
  const own = { randAugment: 1, magnitude: 0.5, cutout: 0.25 };
  const settings = ['ratio=2', 'operations=1', 'magnitude=0.5', 'cutout=0.25'].map(
    (each) => `consistency.${each}`,
  );
  const directory = newRun('consistent', ...settings);
  const { indices, unlabelled } = await prepared(directory);
  if (!unlabelled) throw new Error('no unlabelled images');
  expectFed(
    await callsOf({ directory, data, ...OPTIONS }),
    await expected(directory, 4, { indices, seed: 3, unlabelled: { ...unlabelled, ratio: 2, strong: own } }),
  );
});

test('several a step, and a resumed run goes on where the data was', async () => {
  const directory = newRun('resumed');
  const options = { directory, data, steps: 4, accumulate: 3, threads: 1 };
  const stop = new AbortController();
  const reporter = { ...silentReporter, step: ({ step }: StepMetrics) => step === 2 && stop.abort() };
  await train(options, { signal: stop.signal, reporter });
  expectFed(await callsOf({ directory, resume: true }), (await expected(directory, 12)).slice(6));
  const whole = await callsOf({ ...options, directory: newRun('whole') });
  expectFed(whole, await expected(directory, 12));
});
