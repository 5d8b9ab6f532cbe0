/** The frozen encoder's evaluators: which images are the bank and which the queries, and what a probe measures of them. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { wilson } from '../../src/base/statistics';
import { allBut, subset } from '../../src/data/batches/sampler';
import { openSource } from '../../src/data/sources/readers';
import type { Source, Split } from '../../src/data/sources/source';
import { collapse } from '../../src/evaluation/collapse';
import { computeFeatures, type Features } from '../../src/evaluation/features';
import { frozenFeatures, type FrozenOptions, score } from '../../src/evaluation/frozen';
import { holdOut } from '../../src/evaluation/holdOut';
import { nearest, vote } from '../../src/evaluation/knn';
import { accuracy, linearProbe } from '../../src/evaluation/linearProbe';
import { createProbe } from '../../src/evaluation/periodic';
import { stepsToProbe } from '../../src/evaluation/probe';
import { openRun, withSession } from '../../src/run/openRun';
import { readRun, runPaths, type RunSettings, writeJson, writeRun } from '../../src/run/runFolder';
import { writeImageFolder } from '../support/imageFolder';
import { writeSmallRun } from '../support/smallRun';

let folder: string;
let directory: string;
let data: string;
let train: Source;
beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'selfie-frozen-'));
  directory = path.join(folder, 'run');
  writeSmallRun(directory, 'finetune');
  await writeImageFolder(path.join(folder, 'images', 'train'), 60, 3);
  await writeImageFolder(path.join(folder, 'images', 'test'), 9, 3);
  data = `folder:${path.join(folder, 'images')}`;
  train = await openSource(data, 'train');
});
afterAll(() => {
  train.close();
  rmSync(folder, { recursive: true, force: true });
});

const fail = (line: string) => {
  throw new Error(line);
};
const frozen = (more: Partial<FrozenOptions> = {}) =>
  frozenFeatures({ directory, data, threads: 1, ...more }, fail);
const range = (n: number) => Int32Array.from({ length: n }, (_, i) => i);
const labelsOf = (indices: Int32Array) => indices.map((i) => train.label(i) ?? -1);

/** The features of these images by the run's checkpoint. */
function featuresOf(indices: Int32Array, split: Split = 'train'): Promise<Features> {
  const run = openRun({ directory, threads: 1 });
  const selection = { spec: data, split, indices, classes: ['0', '1', '2'] };
  return withSession(run, (session) =>
    computeFeatures(session, run.bundle.manifest, 'embedding', selection, {}),
  );
}

function expectSame(found: Pick<Features, 'labels' | 'values'>, expected: Features): void {
  expect([...found.labels]).toEqual([...expected.labels]);
  found.values.forEach((value, i) => expect(value).toBeCloseTo(expected.values[i], 5));
}

/** The run's settings with changes. */
const settle = (changes: Partial<RunSettings>) =>
  writeRun(directory, { ...(readRun(directory) as RunSettings), ...changes });

test('the bank is the training split, the queries are the test split', async () => {
  const { bank, queries, classes, evaluated, seed, threads } = await frozen();
  expectSame(bank, await featuresOf(range(60)));
  expectSame(queries, await featuresOf(range(9), 'test'));
  expect([classes, seed, threads]).toEqual([['class0', 'class1', 'class2'], 0, 1]);
  expect(evaluated).toEqual({
    checkpoint: path.join(directory, 'checkpoints', 'step-10.safetensors'),
    step: 10,
    data,
    split: 'test',
    features: 'embedding',
    width: 32,
    labels: null,
    seed: 0,
    bank: 60,
    broken: [],
  });
});

test('labels are those that training with them sees: of the run’s seed, unless another is given', async () => {
  settle({ seed: 4 });
  for (const [given, used] of [
    [undefined, 4],
    [7, 7],
  ]) {
    const { bank, seed } = await frozen({ labels: '12', seed: given });
    expect(seed).toBe(used);
    expectSame(bank, await featuresOf(subset(train, '12', used ?? 0)));
  }
  settle({ seed: 0 });
});

test('labels are drawn from all alike where the recipe says so', async () => {
  const uniform = path.join(folder, 'uniform');
  writeSmallRun(uniform, 'finetune', 'labelSubset=uniform');
  const { bank } = await frozen({ directory: uniform, labels: '12' });
  const indices = subset(train, '12', 0, { balanced: false });
  expect([...bank.labels]).toEqual([...labelsOf(indices)]);
  expect([...bank.labels]).not.toEqual([...labelsOf(subset(train, '12', 0))]);
});

describe('validation', () => {
  test('a tenth of each class, which the bank lacks', async () => {
    const { bank, queries, evaluated } = await frozen({ split: 'validation', labels: '50%' });
    const { kept, held } = holdOut(labelsOf(range(60)), 0.1, 0);
    expectSame(queries, await featuresOf(held));
    expectSame(bank, await featuresOf(subset(train, '50%', 0, { pool: kept })));
    expect([held.length, evaluated.bank, evaluated.split]).toEqual([6, 27, 'validation']);
  });

  test('what the run kept from training, where it was trained on this data', async () => {
    const own = Int32Array.of(3, 20, 59);
    writeJson(runPaths(directory).validation, { validation: '3', seed: 0, indices: [...own] });
    expect((await frozen({ split: 'validation' })).queries.count).toBe(6);
    settle({ data });
    const { bank, queries } = await frozen({ split: 'validation' });
    expectSame(queries, await featuresOf(own));
    expectSame(bank, await featuresOf(allBut(60, own)));
    rmSync(runPaths(directory).validation);
    settle({ data: 'folder:animals' });
  });
});

test('a score: how many are right, how sure that is, and what the most frequent class would reach', () => {
  const found = score(Int32Array.of(0, 1, 1, 1, 2), Int32Array.of(0, 1, 1, 2, 0));
  expect(found).toEqual({ count: 5, accuracy: 0.6, interval: wilson(0.6, 5), chance: 0.4 });
});

describe('a probe during training', () => {
  test('measures the same images of the training split every time: a bank, and a quarter of them as queries', async () => {
    const images = 48;
    const probe = await createProbe({ directory, every: 5, data, images, threads: 1 });
    const chosen = subset(train, String(images), 0);
    const { kept, held } = holdOut(labelsOf(chosen), 0.25, 0);
    const [bank, queries] = [
      await featuresOf(kept.map((i) => chosen[i])),
      await featuresOf(held.map((i) => chosen[i])),
    ];
    const measured = await withSession(openRun({ directory, threads: 1 }), (session) =>
      probe.measure(session, 'fail'),
    );
    const neighbours = vote(await nearest(bank, queries, 20, 1), bank.labels, 3, 0.07);
    const linear = await linearProbe(bank, queries, 3, { seed: 0, threads: 1 });
    const { spread, rank } = await collapse(queries, 1);
    expect([queries.count, bank.count, probe.every]).toEqual([12, 36, 5]);
    expect(Object.keys(measured.metrics)).toEqual([
      ...['knn_accuracy', 'linear_accuracy', 'probe_chance', 'embedding_spread', 'embedding_rank'],
    ]);
    const { metrics, text, broken } = measured;
    expect(metrics.knn_accuracy).toBeCloseTo(accuracy(neighbours, queries.labels), 12);
    expect(metrics.linear_accuracy).toBeCloseTo(accuracy(linear.predictions, queries.labels), 12);
    expect(metrics.probe_chance).toBeCloseTo(1 / 3, 12);
    expect(metrics.embedding_spread).toBeCloseTo(spread, 4);
    expect(metrics.embedding_rank).toBeCloseTo(rank, 3);
    const percent = (x: number) => `${(100 * x).toFixed(1)}%`;
    const [low, high] = wilson(metrics.knn_accuracy, 12).map(percent);
    expect(text).toBe(
      `kNN ${percent(metrics.knn_accuracy)} (${low} to ${high}, chance 33.3%, 12 images)  ` +
        `linear ${percent(metrics.linear_accuracy)}  spread ${spread.toFixed(3)}  rank ${rank.toFixed(1)} of 32`,
    );
    expect(broken).toEqual([]);
  });

  test('takes all images where there are few', async () => {
    const probe = await createProbe({ directory, every: 5, data, threads: 1 });
    const run = openRun({ directory, threads: 1 });
    const { text } = await withSession(run, (session) => probe.measure(session, 'fail'));
    expect(text).toContain(', 15 images)');
  });

  test('comes every so many steps', () => {
    const probe = { every: 5, measure: () => Promise.reject(new Error()) };
    expect([0, 1, 4, 5, 9].map((step) => stepsToProbe(probe, step))).toEqual([5, 4, 1, 5, 1]);
    expect(stepsToProbe(undefined, 3)).toBe(Infinity);
  });
});
