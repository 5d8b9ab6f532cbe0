/** What every evaluator asks of the loader: threads, what becomes of broken images, the part of the data, the seed. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { buildEvalGraph } from '../../graphs/tasks';
import * as loading from '../../src/data/batches/loader';
import { evaluate } from '../../src/evaluation/evaluate';
import { evaluateKnn, evaluateLinearProbe } from '../../src/evaluation/evaluateRun';
import { createProbe } from '../../src/evaluation/periodic';
import { readPredictions } from '../../src/evaluation/predictions';
import { evaluateSequential } from '../../src/evaluation/sequential';
import { openRun, withSession } from '../../src/run/openRun';
import { readRun, runPaths, type RunSettings, writeJson, writeRun } from '../../src/run/runFolder';
import { BrokenImages } from '../../src/training/broken';
import { Validation } from '../../src/training/validation';
import { writeImageFolder } from '../support/imageFolder';
import { writeSmallRun } from '../support/smallRun';

let folder: string;
let directory: string;
let data: string;
beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'selfie-loading-'));
  directory = path.join(folder, 'run');
  writeSmallRun(directory, 'pretrain', 'augment.flip=false');
  for (const [split, count] of [
    ['train', 30],
    ['test', 6],
  ] as const)
    await writeImageFolder(path.join(folder, 'images', split), count, 3);
  data = `folder:${path.join(folder, 'images')}`;
  writeRun(directory, { ...(readRun(directory) as RunSettings), data });
  writeJson(runPaths(directory).validation, { validation: '3', seed: 0, indices: [2, 4, 6] });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The options of every loader that `body` makes. */
async function loadersOf(body: () => Promise<unknown>): Promise<loading.LoaderOptions[]> {
  const created = jest.spyOn(loading, 'createLoader');
  try {
    await body();
    // every loader was closed: it gives nothing more
    for (const { value } of created.mock.results)
      expect(await (await (value as Promise<loading.Loader>)).next()).toMatchObject({ done: true });
    return created.mock.calls.map(([options]) => options);
  } finally {
    created.mockRestore();
  }
}

const common = () => ({ directory, data, threads: 1, workers: 3, broken: 'skip' as const });
const always = () => ({ spec: data, workers: 3, broken: 'skip', seed: 0, mode: 'evaluate' });
const found = (...options: loading.LoaderOptions[]) =>
  options.map(({ split, indices, limit, augment }) => ({
    split,
    indices: indices && [...indices],
    limit,
    augment,
  }));
const range = (n: number) => Array.from({ length: n }, (_, i) => i);

test('evaluation: a split, some of it, or what was kept', async () => {
  const [test] = await loadersOf(() => evaluate({ ...common(), images: 4 }));
  const [train] = await loadersOf(() => evaluate({ ...common(), split: 'train', augment: true }));
  const [kept] = await loadersOf(() => evaluate({ ...common(), split: 'validation' }));
  for (const options of [test, train, kept]) expect(options).toMatchObject(always());
  const { augment } = openRun({ directory }).bundle.manifest.recipe;
  expect(found(test, train, kept)).toEqual([
    { split: 'test', indices: undefined, limit: 4, augment: null },
    { split: 'train', indices: undefined, limit: undefined, augment },
    { split: 'train', indices: [2, 4, 6], limit: undefined, augment: null },
  ]);
  expect(test.patchOrder).toEqual({ grid: { rows: 4, columns: 4 }, hidden: 4, mask: 'random' });
});

test('patch by patch: the same for every stage', async () => {
  const { manifest } = openRun({ directory }).bundle;
  const hiding = (hidden: number) => buildEvalGraph(manifest, hidden, path.join(folder, `hiding-${hidden}`));
  const stages = await loadersOf(() =>
    evaluateSequential({ ...common(), hiding, images: 4, split: 'train', mask: 'rows' }),
  );
  expect(stages).toHaveLength(3);
  for (const options of stages) expect(options).toMatchObject({ ...always(), split: 'train', limit: 4 });
  const [test] = await loadersOf(() => evaluateSequential({ ...common(), hiding }));
  expect(found(test)).toEqual([{ split: 'test', indices: undefined, limit: undefined, augment: null }]);
});

test('predictions: evenly spread over the split', async () => {
  const options = { data, workers: 3, broken: 'skip', augment: false, split: 'test' } as const;
  const predict = (more: object) =>
    loadersOf(() =>
      readPredictions(openRun({ directory, threads: 1 }), { ...options, count: 3, ...more }, () => {}),
    );
  const [test] = await predict({});
  const [kept] = await predict({ split: 'validation', count: 2 });
  for (const each of [test, kept]) expect(each).toMatchObject({ ...always(), labels: { classes: 3 } });
  expect(found(test, kept)).toEqual([
    { split: 'test', indices: [0, 2, 4], limit: undefined, augment: null },
    { split: 'train', indices: [2, 4], limit: undefined, augment: null },
  ]);
});

test('frozen encoders: bank and queries, never augmented', async () => {
  for (const evaluator of [evaluateKnn, (options: object) => evaluateLinearProbe(options as never)]) {
    const [bank, queries] = await loadersOf(() => evaluator({ ...common(), k: 5 }));
    for (const each of [bank, queries]) expect(each).toMatchObject({ ...always(), labels: { classes: 3 } });
    expect(found(bank, queries)).toEqual([
      { split: 'train', indices: range(30), limit: undefined, augment: null },
      { split: 'test', indices: range(6), limit: undefined, augment: null },
    ]);
  }
});

test('during training: a probe, and what was kept', async () => {
  const run = openRun({ directory, threads: 1 });
  const measure = async () => {
    const probe = await createProbe({ directory, data, every: 1, threads: 1, workers: 3 });
    await withSession(run, (session) => probe.measure(session, 'skip'));
  };
  for (const each of await loadersOf(measure)) expect(each).toMatchObject({ ...always(), split: 'train' });
  const settings: RunSettings = { ...(readRun(directory) as RunSettings), broken: 'skip' };
  const kept = Int32Array.of(2, 4);
  const validation = new Validation(directory, 0, run.bundle.manifest, settings, kept, 3);
  const [options] = await loadersOf(() =>
    withSession(run, (session) => validation.run(session, 1, new BrokenImages(() => {}))),
  );
  expect(options).toMatchObject({ ...always(), split: 'train', indices: kept, augment: null });
});

test('broken images are what they were in training, unless told', async () => {
  const { manifest } = openRun({ directory }).bundle;
  const hiding = (hidden: number) => buildEvalGraph(manifest, hidden, path.join(folder, `told-${hidden}`));
  const settings = readRun(directory) as RunSettings;
  const told = { directory, data, threads: 1, images: 4 };
  try {
    for (const broken of ['fail', 'skip'] as const) {
      writeRun(directory, { ...settings, broken });
      const asked = [
        ...(await loadersOf(() => evaluate(told))),
        ...(await loadersOf(() => evaluateSequential({ ...told, hiding }))),
        ...(await loadersOf(() => evaluateKnn({ directory, data, threads: 1, k: 5 }))),
      ];
      expect(asked.map((options) => options.broken)).toEqual(asked.map(() => broken));
    }
  } finally {
    writeRun(directory, settings);
  }
});
