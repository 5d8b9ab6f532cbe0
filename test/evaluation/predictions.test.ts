/** What a pretraining's evaluation graph says of images: which images, as they are fed, and each one's own numbers. */
import { mkdtempSync, renameSync, rmSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import sharp from 'sharp';
import { shapedPatchOrder } from '../../src/data/batches/maskShapes';
import { askPatches } from '../../src/evaluation/askPatches';
import { evaluate } from '../../src/evaluation/evaluate';
import {
  computeFeatures,
  type FeatureKind,
  requireFeatures,
  withLabelled,
} from '../../src/evaluation/features';
import { type PredictionOptions, type Predictions, readPredictions } from '../../src/evaluation/predictions';
import { openRun, withSession } from '../../src/run/openRun';
import { runPaths, writeJson } from '../../src/run/runFolder';
import { argmax } from '../../src/tensors/rows';
import { writeImageFolder } from '../support/imageFolder';
import { CLASSES, writeSmallRun } from '../support/smallRun';
import { userErrorOf } from '../support/userError';

const COUNT = 7;
const WIDTH = 32;
const GRID = { rows: 4, columns: 4 };
const HIDDEN = 4;
const PIXELS = 32 * 32 * 3;
let folder: string;
let directory: string;
let data: string;
let all: Predictions;
const fileOf = (i: number) => path.join(folder, 'images', `class${i % 2}`, `000${i}.png`);
/** The folder's order is class by class. */
const FILES = [0, 2, 4, 6, 1, 3, 5];

const warnings: string[] = [];
const predict = (more: Partial<PredictionOptions> = {}, from = data) =>
  readPredictions(
    openRun({ directory, threads: 1 }),
    { data: from, split: 'test', count: 100, augment: false, broken: 'fail', ...more },
    (line) => warnings.push(line),
  );
const row = (values: ArrayLike<number> | null, i: number, width: number) =>
  Array.from(values ?? []).slice(i * width, (i + 1) * width);

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'selfie-predictions-'));
  directory = path.join(folder, 'run');
  writeSmallRun(directory, 'pretrain');
  await writeImageFolder(path.join(folder, 'images'), COUNT, 2);
  data = `folder:${path.join(folder, 'images')}`;
  all = await predict();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('every image once, with its pixels, its label, its mask and its own numbers', async () => {
  expect(all).toMatchObject({ split: 'all', available: COUNT, classes: ['class0', 'class1'] });
  expect([...all.indices]).toEqual([0, 1, 2, 3, 4, 5, 6]);
  expect([...(all.labels ?? [])]).toEqual([0, 0, 0, 0, 1, 1, 1]);
  expect([all.loss.length, all.accuracy.length]).toEqual([COUNT, COUNT]);
  expect(all.embedding).toHaveLength(COUNT * WIDTH);
  expect(all.logits).toHaveLength(COUNT * HIDDEN * HIDDEN);
  for (const [i, file] of FILES.entries()) {
    const pixels = await sharp(fileOf(file)).removeAlpha().raw().toBuffer();
    expect(row(all.images, i, PIXELS)).toEqual([...pixels]);
    expect(row(all.patchOrder, i, 16)).toEqual([...shapedPatchOrder('random', 0, 0, i, GRID, HIDDEN)]);
    const scores = Array.from({ length: HIDDEN }, (_, k) => row(all.logits, HIDDEN * i + k, HIDDEN));
    const right = scores.filter((each, k) => argmax(each) === k).length;
    expect(all.accuracy[i]).toBeCloseTo(right / HIDDEN, 6);
    const nats = scores.map((each, k) => Math.log(each.reduce((sum, x) => sum + Math.exp(x), 0)) - each[k]);
    expect(all.loss[i]).toBeCloseTo(nats.reduce((a, b) => a + b) / HIDDEN, 4);
  }
});

test('some of them, spread over the split, are answered as among all', async () => {
  const some = await predict({ count: 3 });
  expect([some.available, ...some.indices]).toEqual([COUNT, 0, 2, 4]);
  [0, 2, 4].forEach((index, i) => {
    row(some.embedding, i, WIDTH).forEach((value, k) =>
      expect(value).toBeCloseTo(row(all.embedding, index, WIDTH)[k], 5),
    );
    expect(row(some.patchOrder, i, 16)).toEqual(row(all.patchOrder, index, 16));
  });
});

test('images without labels have none; a classifier has no patches', async () => {
  const unlabelled = await predict({ count: 2 }, `images:${path.join(folder, 'images')}`);
  expect([unlabelled.labels, unlabelled.patchOrder?.length]).toEqual([null, 2 * 16]);
  const classifier = path.join(folder, 'classifier');
  writeSmallRun(classifier, 'finetune');
  const named = path.join(folder, 'named');
  await writeImageFolder(named, 3, 3);
  CLASSES.forEach((name, i) => renameSync(path.join(named, `class${i}`), path.join(named, name)));
  const { labels, patchOrder } = await readPredictions(
    openRun({ directory: classifier, threads: 1 }),
    { data: `folder:${named}`, split: 'test', count: 2, augment: false, broken: 'fail' },
    () => {},
  );
  expect([labels?.length, patchOrder]).toEqual([2, null]);
});

test('pretraining learned no classes: there may be any number of them', async () => {
  const many = path.join(folder, 'many');
  await writeImageFolder(many, 5, 5);
  const { labels } = await predict({}, `folder:${many}`);
  expect([...(labels ?? [])]).toEqual([0, 1, 2, 3, 4]);
});

test('augmented they are other images with the same masks', async () => {
  // 7 images, a flip each: one of them is flipped for sure but in one run of 128, and the seed stays
  const augmented = await predict({ augment: true });
  expect(augmented.images).not.toEqual(all.images);
  expect(augmented.patchOrder).toEqual(all.patchOrder);
  expect(await predict({ augment: true })).toEqual(augmented);
});

test('a photograph alone is asked what the evaluation asks of the first image', async () => {
  const { order, logits, image, ...facts } = await askPatches({
    directory,
    image: fileOf(FILES[0]),
    threads: 1,
  });
  expect(facts).toEqual({ width: 32, height: 32, channels: 3, patch: 8 });
  expect([...order]).toEqual(row(all.patchOrder, 0, 16));
  expect([...image]).toEqual(row(all.images, 0, PIXELS));
  expect(logits).toHaveLength(HIDDEN * HIDDEN);
  logits.forEach((score, i) => expect(score).toBeCloseTo((all.logits as Float32Array)[i], 5));
  const other = await askPatches({ directory, image: fileOf(FILES[0]), seed: 1, threads: 1 });
  expect([...other.order]).toEqual([...shapedPatchOrder('random', 1, 0, 0, GRID, HIDDEN)]);
  await expect(askPatches({ directory, image: path.join(folder, 'none.png') })).rejects.toThrow(
    /^cannot read .*none\.png: ENOENT/,
  );
});

test('evaluation has the means of these numbers', async () => {
  const mean = (values: ArrayLike<number>) => Array.from(values).reduce((a, b) => a + b) / COUNT;
  const found = await evaluate({ directory, data, threads: 1 });
  expect(found).toMatchObject({ count: COUNT, chance: 1 / HIDDEN, top5: null, perClass: [], step: 10 });
  expect(found.loss).toBeCloseTo(mean(all.loss), 5);
  expect(found.accuracy).toBeCloseTo(mean(all.accuracy), 6);
  expect([...found.indices]).toEqual([...all.indices]);
  expect([found.predictions.length, found.logits.length]).toEqual([0, 0]);
  const augmented = await evaluate({ directory, data, augment: true, threads: 1 });
  expect(augmented.loss).not.toBe(found.loss);
  const rows = await evaluate({ directory, data, mask: 'rows', threads: 1 });
  expect(rows.loss).not.toBe(found.loss);
});

test('features are the embeddings, or what the attention pooling makes of all patches, in the order asked for', async () => {
  const run = openRun({ directory, threads: 1 });
  const { manifest } = run.bundle;
  const indices = Int32Array.of(1, 4, 6);
  const selection = { spec: data, split: 'train', indices, classes: ['class0', 'class1'] } as const;
  const [embedding, pooled] = await withSession(run, async (session) => [
    await computeFeatures(session, manifest, 'embedding', selection, {}),
    await computeFeatures(session, manifest, 'pooled', selection, {}),
  ]);
  expect(embedding).toMatchObject({ count: 3, width: WIDTH, labels: Int32Array.of(0, 1, 1), broken: [] });
  expect(pooled).toMatchObject({ count: 3, width: WIDTH, labels: Int32Array.of(0, 1, 1) });
  indices.forEach((index, i) =>
    row(embedding.values, i, WIDTH).forEach((value, k) =>
      expect(value).toBeCloseTo(row(all.embedding, index, WIDTH)[k], 5),
    ),
  );
  expect(pooled.values).not.toEqual(embedding.values);
  requireFeatures(manifest, 'pooled', directory);
  const none = { ...manifest.graphs.eval, outputs: [] };
  const older = { ...manifest, graphs: { ...manifest.graphs, encoder: none, eval: none } };
  const refused = (task: 'pretrain' | 'finetune', kind: FeatureKind) =>
    userErrorOf(() => requireFeatures({ ...older, recipe: { ...manifest.recipe, task } }, kind, 'x'));
  expect(refused('pretrain', 'pooled')).toContain(
    'x: its eval.onnx does not give them; build the bundle again',
  );
  expect(refused('finetune', 'embedding')).toContain('its encoder.onnx does not give them');
  expect(refused('finetune', 'pooled')).toContain('only a pretraining bundle has the attention pooling');
  await withLabelled(data, 'train', ({ classes }) => expect(classes).toEqual(['class0', 'class1']));
});

describe('what was kept from training', () => {
  const keep = (indices: readonly number[]) =>
    writeJson(runPaths(directory).validation, { validation: '2', seed: 0, indices });

  test('is asked by its places in the training data', async () => {
    keep([2, 5]);
    const kept = await predict({ split: 'validation' });
    expect(kept).toMatchObject({ split: 'validation', available: 2, indices: Int32Array.of(2, 5) });
    expect([...(kept.labels ?? [])]).toEqual([0, 1]);
    expect(row(kept.images, 1, PIXELS)).toEqual(row(all.images, 5, PIXELS));
  });

  test('must be in the data that is given', async () => {
    keep([2, COUNT]);
    await expect(predict({ split: 'validation' })).rejects.toThrow(/has only 7 training images, fewer than/);
  });
});

test('broken images are left out by name, and all broken are none', async () => {
  const broken = path.join(folder, 'broken');
  await writeImageFolder(broken, 3, 1);
  const fileAt = (i: number) => path.join(broken, 'class0', `000${i}.png`);
  truncateSync(fileAt(1), 60);
  const spec = `folder:${path.join(broken)}`;
  await expect(predict({}, spec)).rejects.toThrow(/0001\.png cannot be decoded/);
  warnings.length = 0;
  const some = await predict({ broken: 'skip' }, spec);
  expect(warnings).toEqual([expect.stringMatching(/^left out: .*0001\.png cannot be decoded/)]);
  expect([some.available, ...some.indices]).toEqual([3, 0, 2]);
  expect([some.images.length, some.loss.length]).toEqual([2 * PIXELS, 2]);
  for (const i of [0, 2]) truncateSync(fileAt(i), 60);
  await expect(predict({ broken: 'skip' }, spec)).rejects.toThrow(/none of the images can be decoded/);
});
