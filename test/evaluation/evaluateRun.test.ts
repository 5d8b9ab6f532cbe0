/** kNN and linear probe of a run: which images are the bank and which the queries, and what is written. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import sharp from 'sharp';
import { evaluateKnn, evaluateLinearProbe } from '../../src/evaluation/evaluateRun';
import { createProbe } from '../../src/evaluation/periodic';
import { readMetrics } from '../../src/run/metricsLog';
import { train } from '../../src/training/trainer';
import { writeTar } from '../data/samples';
import { writeImageFolder } from '../support/imageFolder';
import { writeSmallBundle } from '../support/smallRun';

const COUNT = 100;
let folder: string;
let images: string;
let directory: string;
beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'selfie-frozen-'));
  await writeImageFolder(path.join(folder, 'images'), COUNT);
  images = `folder:${path.join(folder, 'images')}`;
  directory = path.join(folder, 'run');
  writeSmallBundle(directory);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A probe's metrics by step. */
const probed = (run: string) =>
  readMetrics(path.join(run, 'metrics.jsonl')).flatMap(
    ({ step, knn_accuracy, probe_chance, embedding_spread, embedding_rank }) =>
      knn_accuracy === undefined
        ? []
        : [{ step, knn_accuracy, probe_chance, embedding_spread, embedding_rank }],
  );

test('a probe every N steps and at the end: logged with its step, the same after a resume, the training as without', async () => {
  const settings = { data: images, steps: 8, threads: 1, checkpointEvery: 4 };
  const probe = await createProbe({ directory, every: 3, data: images, images: 60, threads: 1 });
  const lines: string[] = [];
  const reporter = { line: (text: string) => lines.push(text), step: () => {}, stop: () => {} };
  await train({ directory, ...settings }, { probe, reporter });
  const found = probed(directory);
  expect(found.map(({ step }) => step)).toEqual([3, 6, 8]);
  for (const { knn_accuracy, probe_chance, embedding_spread, embedding_rank } of found) {
    expect(probe_chance).toBeCloseTo(0.1, 9);
    expect(knn_accuracy * 20).toBeCloseTo(Math.round(knn_accuracy * 20), 9);
    expect(embedding_spread).toBeGreaterThan(0);
    expect(embedding_rank).toBeGreaterThan(1);
  }
  const [events] = readdirSync(path.join(directory, 'tensorboard'));
  expect(readFileSync(path.join(directory, 'tensorboard', events)).includes('knn_accuracy')).toBe(true);
  expect(lines.filter((line) => /^step \d: kNN .*spread .*rank/.test(line))).toHaveLength(3);

  const cut = path.join(folder, 'cut');
  writeSmallBundle(cut);
  const stop = new AbortController();
  const stopAt4 = {
    line: () => {},
    stop: () => {},
    step: ({ step }: { step: number }) => step === 4 && stop.abort(),
  };
  await train({ directory: cut, ...settings }, { probe, reporter: stopAt4, signal: stop.signal });
  await train({ directory: cut, resume: true }, { probe });
  expect(probed(cut)).toEqual(found);

  const plain = path.join(folder, 'plain');
  writeSmallBundle(plain);
  await train({ directory: plain, ...settings });
  const losses = (run: string) => readMetrics(path.join(run, 'metrics.jsonl')).map(({ loss }) => loss);
  expect(losses(plain)).toEqual(losses(directory));
});

test('a tenth of the training images as queries, which the bank lacks; the result is written down', async () => {
  const result = await evaluateKnn({ directory, data: images, split: 'validation', k: 5, threads: 1 });
  expect(result).toMatchObject({ step: 8, split: 'validation', bank: 90, count: 10, k: 5, chance: 0.1 });
  const { file, ...stored } = result;
  expect(file).toBe(path.join(directory, 'knn.json'));
  expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(stored);
  expect(result.interval[0]).toBeLessThan(result.accuracy);
  const few = await evaluateKnn({ directory, data: images, split: 'validation', labels: '50', threads: 1 });
  expect(few).toMatchObject({ bank: 50, count: 10, labels: '50', k: 20 });
});

test('the linear probe writes its choice of C down', async () => {
  const result = await evaluateLinearProbe({ directory, data: images, split: 'validation', threads: 1 });
  const { file, ...stored } = result;
  expect(file).toBe(path.join(directory, 'linear-probe.json'));
  expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(stored);
  expect(result.grid.map(({ c }) => c)).toContain(result.c);
  expect(result.accuracy).toBeGreaterThan(0.5);
});

test('what cannot be evaluated is said in one line', async () => {
  const options = { directory, data: images, threads: 1 };
  await expect(evaluateKnn(options)).rejects.toThrow(
    /no division into train and test.*add --split validation/,
  );
  await expect(evaluateKnn({ ...options, split: 'validation', k: 91 })).rejects.toThrow(
    /--k 91: .* only 90 /,
  );
  await expect(evaluateKnn({ ...options, features: 'pooled' })).rejects.toThrow(
    /--features pooled: .*only a pretraining bundle/,
  );
  const unlabelled = `folder:${path.join(folder, 'images', 'class0')}`;
  await expect(evaluateKnn({ ...options, data: unlabelled })).rejects.toThrow(/has no labels to evaluate/);
  const ten = { ...options, split: 'validation', labels: '10' } as const;
  await expect(evaluateLinearProbe(ten)).rejects.toThrow(/linear-probe: no class has two labelled images/);
  const probe = { directory, every: 1, data: images };
  await expect(createProbe({ ...probe, images: 101 })).rejects.toThrow(/--probe-images 101: .* only 100 /);
  await expect(createProbe({ ...probe, images: 12 })).rejects.toThrow(/--probe-images 12: too few/);
});

test('broken images are in no bank, no query and no probe, and are named', async () => {
  const photos = path.join(folder, 'broken');
  await writeImageFolder(photos, COUNT);
  const data = `folder:${photos}`;
  // of every class one
  for (let i = 0; i < 10; i++) truncateSync(path.join(photos, `class${i}`, `003${i}.png`), 60);
  const run = path.join(folder, 'skipping');
  writeSmallBundle(run);
  const probe = await createProbe({ directory: run, every: 1, data, threads: 1 });
  const settings = { directory: run, data, steps: 1, threads: 1 };
  const lines: string[] = [];
  const reporter = { line: (text: string) => lines.push(text), step: () => {}, stop: () => {} };
  const { broken } = await train({ ...settings, broken: 'skip' }, { reporter, probe });
  expect(broken).toBe(10);
  expect(lines.filter((line) => /^warning: skipped: .*003\d.png cannot be decoded/.test(line))).toHaveLength(
    10,
  );
  expect(probed(run).map(({ step }) => step)).toEqual([1]);

  // As the run does, where nothing else is said.
  const knn = await evaluateKnn({ directory: run, data, split: 'validation', k: 5, threads: 1 });
  expect(knn.broken).toHaveLength(10);
  expect(knn.bank + knn.count).toBe(COUNT - 10);
  const failing = { directory: run, data, split: 'validation', threads: 1 } as const;
  await expect(evaluateKnn({ ...failing, broken: 'fail' })).rejects.toThrow(/003\d.png cannot be decoded/);
});

test('a test split without the last classes has the labels of the training split', async () => {
  const pixels = { raw: { width: 32, height: 32, channels: 3 } } as const;
  const image = (value: number) => sharp(Buffer.alloc(3072, value), pixels).png().toBuffer();
  const shard = async (name: string, labels: readonly number[]) => {
    const examples = labels.map(async (label, i) => [
      [`${i}.png`, await image(60 * label + i)] as const,
      [`${i}.cls`, String(label)] as const,
    ]);
    await writeTar(path.join(folder, 'shards', `${name}.tar`), (await Promise.all(examples)).flat());
  };
  const options = { directory, data: `webdataset:${path.join(folder, 'shards')}`, k: 1, threads: 1 };
  await shard('train', [0, 0, 1, 1, 2, 2]);
  await shard('val', [0, 1, 1]);
  expect(await evaluateKnn(options)).toMatchObject({ bank: 6, count: 3, chance: 2 / 3 });
  await shard('val', [0, 3, 1]);
  expect(await evaluateKnn(options)).toMatchObject({ bank: 6, count: 3, chance: 1 / 3 });
});
