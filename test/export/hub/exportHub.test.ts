/** `export --to hub`: the files that the Hub and its libraries read, and a card whose programs say what the trainer says. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parse } from 'yaml';
import { buildBundle } from '../../../graphs/tasks';
import { initialStatePath, readBundle } from '../../../src/bundle/read';
import { recipeSchema, type RecipeInput } from '../../../src/bundle/recipe';
import { EMBEDDED_CLASSES } from '../../../src/data/sources/embedded/embedded';
import type { ExportKind } from '../../../src/export/form';
import { exportHub } from '../../../src/export/hub/exportHub';
import { readSafetensors } from '../../../src/tensors/safetensors';
import { readModel } from '../../../src/onnx/files';
import { writeCheckpoint } from '../../../src/run/checkpoints';
import { initializeFrom } from '../../../src/training/initFrom';
import { runPaths, writeJson, writeRun } from '../../../src/run/runFolder';
import { cardPrograms, PHOTOS, writePhoto } from '../../../tools/consumers/cardPrograms';
import { cardDifference, hasPackages } from '../../support/cards';
import { selfie } from '../../support/selfie';

const folder = mkdtempSync(path.join(tmpdir(), 'selfie-hub-'));
const inside = (...names: string[]) => path.join(folder, ...names);
const text = (...names: string[]) => readFileSync(inside(...names), 'utf8');
const json = (...names: string[]) => JSON.parse(text(...names)) as Record<string, unknown>;
const frontMatter = (name: string) =>
  parse(/^---\n([^]*?)\n---\n/.exec(text(name, 'README.md'))?.[1] ?? '') as Record<string, unknown>;
const silent = () => {};

const identity = {
  ...{ data: 'embedded', labels: '20%', validation: null, unlabelled: null, broken: 'fail' as const },
  ...{ seed: 0, steps: 3, accumulate: 1, content: null, unlabelledContent: null },
};
const settings = {
  provider: 'cpu',
  threads: 1,
  stepsPerRun: 1,
  checkpointEvery: 1,
  keepCheckpoints: 1,
} as const;

/** A run's folder as `train` leaves it after step 3, with its first weights, or those of another run. */
function makeRun(name: string, recipe: RecipeInput, from?: string): void {
  const rest = { batch: 8, pooling: { layers: 1, heads: 2, feedForward: 8, dropout: 0 } };
  const directory = inside(name);
  buildBundle(name, recipeSchema.parse({ ...rest, ...recipe }), directory);
  const bundle = readBundle(directory);
  const first = readSafetensors(initialStatePath(bundle)).tensors;
  const start = from === undefined ? null : initializeFrom(inside(from), bundle.manifest, first, silent);
  const run = { ...identity, initFrom: from === undefined ? null : inside(from) };
  writeRun(directory, { formatVersion: 1, ...run, ...settings, classes: [...EMBEDDED_CLASSES] });
  if (start) writeJson(runPaths(directory).loadReport, start.report);
  const state = start?.state ?? first;
  writeCheckpoint(directory, bundle.manifest, run, { step: 3, dataPosition: 3, state }, 1);
}

beforeAll(() => {
  makeRun('pre', { task: 'pretrain', network: { stages: [1, 1], width: 4 } });
  makeRun('fine', { task: 'finetune', network: { stages: [1, 1, 1], width: 4 } }, 'pre');
});
afterAll(() => rmSync(folder, { recursive: true }));

test('a classifier, from the command line', () => {
  const out = inside('fine-hub');
  const options = ['--license', 'CC BY 4.0', '--data', 'embedded', '--images', '50'];
  const { code, stdout, stderr } = selfie([
    'export',
    inside('fine'),
    '--to',
    'hub',
    '--out',
    out,
    ...options,
  ]);
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout).toContain(`${path.join(out, 'model-photo.onnx')}: classifier, equal to the trainer's`);
  expect(readdirSync(out).sort()).toEqual(
    ['README.md', 'config.json', 'labels.txt', 'model-photo.onnx', 'model.onnx', 'model.safetensors'].concat([
      'preprocessor_config.json',
      'selfie-export.json',
    ]),
  );
  const labels = text('fine-hub', 'labels.txt').trimEnd().split('\n');
  const { metadata, graph } = readModel(path.join(out, 'model.onnx'));
  expect(labels).toEqual(JSON.parse(metadata.classes));
  expect(graph.inputs[0].shape).toEqual(['batch', 3, 32, 32]);
  expect(readModel(path.join(out, 'model-photo.onnx')).graph.inputs[0].shape).toEqual([
    'batch',
    'height',
    'width',
    3,
  ]);
  expect(readSafetensors(path.join(out, 'model.safetensors')).tensors.get('fc.weight')?.shape).toEqual([
    10, 64,
  ]);

  const config = json('fine-hub', 'config.json');
  expect(config).toMatchObject({
    architecture: 'resnetv2_11',
    num_classes: 10,
    num_features: 64,
    recipe_name: 'fine',
  });
  expect(Object.values(config.id2label as object)).toEqual(labels);
  expect(json('fine-hub', 'preprocessor_config.json')).toMatchObject({
    size: { shortest_edge: 37 },
    crop_size: { height: 32, width: 32 },
    image_mean: JSON.parse(metadata.mean) as number[],
  });
  const accuracy = Number(metadata.accuracy);
  expect(frontMatter('fine-hub')).toMatchObject({
    license: 'cc-by-4.0',
    library_name: 'onnx',
    pipeline_tag: 'image-classification',
    tags: expect.arrayContaining(['onnx', 'self-supervised', 'selfie']) as string[],
    'model-index': [{ name: 'fine', results: [{ metrics: [{ type: 'accuracy', value: accuracy }] }] }],
  });
  const card = text('fine-hub', 'README.md');
  expect(card).toContain(`**${(100 * accuracy).toFixed(2)} %** of 50 images of the test split of embedded`);
  expect(card).toContain('the weights of `pre`, after step 3, pretrained without labels by Selfie');
  expect(card).not.toContain(folder);
});

test.each<[network: string, kind: ExportKind]>([
  ['pre', 'encoder'],
  ['fine', 'classifier'],
])('the programs of the card of %s print what the trainer computes', async (network, kind) => {
  const name = `${network}-${kind}`;
  await exportHub({ directory: inside(network), out: inside(name), kind }, silent);
  const card = text(name, 'README.md');
  expect(card).toContain('## Figures\n\nNone was measured');
  const programs = cardPrograms(card);
  expect(programs.map(({ file }) => file)).toEqual(['run.py', 'run.mjs', 'run.html', 'run_openvino.py']);
  // a browser, and torchvision's networks, take minutes: card.slow.ts
  const runnable = programs.filter(({ file }) => file !== 'run.html').filter(hasPackages);
  for (const { width, height, allowed } of PHOTOS) {
    await writePhoto(inside(name, 'photo.jpg'), width, height);
    for (const program of runnable)
      expect(await cardDifference(program, inside(name), inside(network), kind)).toBeLessThan(allowed);
  }
});
