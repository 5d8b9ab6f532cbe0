/** Starting from other weights: what is loaded, reinitialized, fresh and left, and what is refused. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { buildBundle } from '../../graphs/tasks';
import { parseRecipe } from '../../graphs/recipes/load';
import type { Manifest, StateEntry } from '../../src/bundle/manifest';
import { initialStatePath, readBundle } from '../../src/bundle/read';
import { readSafetensors, writeSafetensors } from '../../src/tensors/safetensors';
import type { HostTensor } from '../../src/tensors/dtype';
import { readRuns } from '../../src/report/runView';
import { listCheckpoints, readNewestCheckpoint } from '../../src/run/checkpoints';
import { initializeFrom } from '../../src/training/initFrom';
import { describeReinitialized, formatLoadReport, type LoadReport } from '../../src/run/loadReport';
import { stateKinds } from '../../src/run/stateTypes';
import { train } from '../../src/training/trainer';
import { writeImageFolder } from '../support/imageFolder';
import { writeTinyBundle } from '../support/tinyBundle';
import type { TinyOptions } from '../support/tinyBundle';
import { userErrorOf } from '../support/userError';

let folder: string;
let data: string;
let source: string;
beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'selfie-init-'));
  await writeImageFolder(path.join(folder, 'images'), 32);
  data = `folder:${path.join(folder, 'images')}`;
  source = newRun('source', { extra: ['old.weight'] });
  await train({ directory: source, data, steps: 3, threads: 1 });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function newRun(name: string, tiny: TinyOptions = {}): string {
  const directory = path.join(folder, name);
  writeTinyBundle(path.join(directory, 'graph'), tiny);
  return directory;
}

const fail = (line: string) => {
  throw new Error(line);
};

/** Loads `from` into the bundle of `target`. */
function load(from: string, target: string) {
  const bundle = readBundle(target);
  const initial = readSafetensors(initialStatePath(bundle)).tensors;
  return { initial, ...initializeFrom(from, bundle.manifest, initial, fail) };
}

test('a run: newest checkpoint, by name and part, without optimizer state', () => {
  const { state, report, initial } = load(
    source,
    newRun('target', { normPart: 'other norm', extra: ['new.weight'] }),
  );
  expect(report.loaded).toEqual({ fc: ['fc.weight', 'fc.bias'] });
  // Same name, other part: two different things.
  expect(report.fresh).toEqual({ 'other norm': ['norm.running_mean'], extra: ['new.weight'] });
  expect(report.left).toEqual({ 'norm-after-pixels': ['norm.running_mean'], extra: ['old.weight'] });
  expect(report.source).toBe(listCheckpoints(source)[0].file);
  const trained = readNewestCheckpoint(source, fail)?.state;
  expect(state.get('fc.weight')).toEqual(trained?.get('fc.weight'));
  expect(state.get('fc.weight')).not.toEqual(initial.get('fc.weight'));
  for (const name of ['norm.running_mean', 'optim.momentum.fc.weight']) {
    expect(state.get(name)).toEqual(initial.get(name));
  }
  expect(formatLoadReport(report)).toEqual([
    `weights from ${report.source}`,
    '  part               loaded  reinit   fresh    left',
    '  fc                      2       0       0       0',
    '  other norm              0       0       1       0',
    '  extra                   0       0       1       1',
    '  norm-after-pixels       0       0       0       1',
    '  fresh: norm.running_mean, new.weight',
    '  left: norm.running_mean, old.weight',
  ]);
});

test('a checkpoint file knows its parts; a plain safetensors file goes by names; a bundle gives its initial state', () => {
  const target = newRun('target-2', { normPart: 'other norm' });
  const [{ file }] = listCheckpoints(source);
  expect(Object.keys(load(file, target).report.fresh)).toEqual(['other norm']);
  const plain = path.join(folder, 'plain.safetensors');
  writeSafetensors(plain, readSafetensors(file).tensors);
  const { report } = load(plain, target);
  expect(report.loaded).toEqual({ fc: ['fc.weight', 'fc.bias'], 'other norm': ['norm.running_mean'] });
  expect(report.left).toEqual({ '(no part)': ['old.weight'] });
  expect(load(path.join(source, 'graph'), target).report.source).toMatch(/init\.safetensors$/);
});

/** Builds a small network of the real kind: one that pretrains, or, with a global pool, a classifier. */
function built(
  name: string,
  image: object = {},
  network: { globalPool?: 'attention'; [setting: string]: unknown } = {},
): string {
  const directory = path.join(folder, name);
  const recipe = parseRecipe({
    task: network.globalPool ? 'finetune' : 'pretrain',
    image: { size: 16, ...image },
    patch: { size: 4 },
    network: { stages: [1, 1], width: 4, version: 'v1', ...network },
    pooling: { layers: 1, heads: 4, feedForward: 8 },
    batch: 2,
  });
  buildBundle(name, recipe, directory);
  return directory;
}

/** The tensors that are reinitialized in `target`, of a network whose others are all loaded. */
function transferred(from: string, target: string): string[] {
  const { state, report, initial } = load(path.join(from, 'graph'), target);
  expect([report.fresh, report.left, report.averages]).toEqual([{}, {}, false]);
  const all = Object.values(report.reinitialized).flat();
  for (const { name } of all) expect(state.get(name)).toBe(initial.get(name));
  return describeReinitialized(report);
}

const hybrid = { globalPool: 'attention' } as const;

test('other data: what it decides the shape of starts anew, the rest is loaded', () => {
  const pretraining = built('pretraining');
  const gray = built('gray', { channels: 1, mean: [0.5], std: [0.25] });
  expect(transferred(pretraining, gray)).toEqual(['conv1.weight [4, 3, 3, 3] -> [4, 1, 3, 3]']);
  const large = built('large', { size: 24 });
  expect(transferred(pretraining, large)).toEqual(['position.embedding [16, 32] -> [36, 32]']);
  const classifier = built('classifier', {}, hybrid);
  expect(transferred(classifier, built('classes', {}, { ...hybrid, classes: 4 }))).toEqual([
    'fc.weight [10, 32] -> [4, 32]',
    'fc.bias [10] -> [4]',
  ]);
  // the other stem makes another map, too
  expect(transferred(classifier, built('stem', {}, { ...hybrid, stem: 'imagenet' }))).toEqual([
    'conv1.weight [4, 3, 3, 3] -> [4, 3, 7, 7]',
    'map_position.row [8, 32] -> [2, 32]',
    'map_position.column [8, 32] -> [2, 32]',
  ]);
});

const zeros = (
  name: string,
  shape: number[],
  dtype: 'float32' | 'int64' = 'float32',
): [string, HostTensor] => {
  const length = shape.reduce((product, size) => product * size, 1);
  return [
    name,
    { dtype, shape, data: dtype === 'int64' ? new BigInt64Array(length) : new Float32Array(length) },
  ];
};

test('a mismatch of the network is an error, in these parts too', () => {
  const target = built('narrow', {}, hybrid);
  const file = path.join(folder, 'other.safetensors');
  const refused = (...tensor: Parameters<typeof zeros>) => {
    writeSafetensors(file, [zeros(...tensor)]);
    return userErrorOf(() => load(file, target)).replace(`--init-from ${file}: `, '');
  };
  expect(refused('conv1.weight', [8, 1, 3, 3])).toBe(
    'conv1.weight is float32 [8, 1, 3, 3] there and float32 [4, 3, 3, 3] in this network',
  );
  expect(refused('conv1.weight', [4, 3, 9])).toContain('[4, 3, 9] there');
  expect(refused('bn1.weight', [8])).toContain('bn1.weight is float32 [8] there');
  expect(refused('layer1.0.conv1.weight', [4, 8, 1, 1])).toContain('[4, 8, 1, 1] there');
  expect(refused('map_position.row', [6, 64])).toContain('[6, 64] there');
  expect(refused('fc.weight', [5, 64])).toContain('[5, 64] there');
  expect(refused('fc.bias', [5], 'int64')).toContain('int64 [5] there');
  // nothing is left to load
  expect(refused('fc.bias', [5])).toMatch(/^nothing in .* matches this network by name, part and shape$/);
  const wide = built('wide', {}, { ...hybrid, width: 8 });
  expect(() => load(path.join(wide, 'graph'), target)).toThrow(
    'conv1.weight is float32 [8, 3, 3, 3] there and float32 [4, 3, 3, 3] in this network',
  );
});

test('moving averages of the source come instead of what they are of; those of the network start at them', () => {
  const { manifest } = readBundle(source);
  const [weight, bias] = [zeros('fc.weight', [10, 192]), zeros('fc.bias', [10])];
  const average = zeros('ema.fc.weight', [10, 192]);
  average[1].data[0] = 7;
  const tensors = [weight, bias, average, zeros('ema.norm.running_mean', [192])];
  const [plain, typed] = ['plain', 'typed'].map((name) => path.join(folder, `ema-${name}.safetensors`));
  writeSafetensors(plain, tensors);
  const kinds = {
    ...stateKinds(manifest),
    'ema.fc.weight': ['buffer', 'fc'],
    'ema.norm.running_mean': ['buffer', 'x'],
  };
  writeSafetensors(typed, tensors, { state: JSON.stringify(kinds) });
  const bundle = readBundle(newRun('averaged', { normPart: 'other norm' }));
  const initial = readSafetensors(initialStatePath(bundle)).tensors;
  const own = bundle.manifest.state
    .filter(({ kind }) => kind !== 'optimizer')
    .map((entry) => ({
      ...entry,
      name: `ema.${entry.name}`,
      kind: 'average' as string as StateEntry['kind'],
    }));
  const averaged: Manifest = { ...bundle.manifest, state: [...bundle.manifest.state, ...own] };
  for (const from of [plain, typed]) {
    const { state, report } = initializeFrom(from, averaged, initial, fail);
    expect(state.get('fc.weight')?.data[0]).toBe(7);
    expect(report.averages).toBe(true);
    expect(report.left).toEqual({});
    const fc = { fc: ['fc.weight', 'fc.bias'] };
    const norm = { 'other norm': ['norm.running_mean'] };
    expect(report.loaded).toEqual(from === plain ? { ...fc, ...norm } : fc);
    expect(report.fresh).toEqual(from === plain ? {} : norm);
    expect(formatLoadReport(report)[0]).toBe(`weights from ${from} (moving averages)`);
    for (const { name } of own) expect(state.get(name)).toBe(state.get(name.slice(4)));
  }
});

test('refused: nothing in common, a run without a checkpoint', () => {
  const target = newRun('target-3');
  const foreign = path.join(folder, 'foreign.safetensors');
  writeSafetensors(foreign, [zeros('x', [1])]);
  expect(() => load(foreign, target)).toThrow(/nothing in .*foreign\.safetensors matches this network/);
  expect(() => load(target, target)).toThrow(/no checkpoint there yet/);
});

test('training prints and stores the report, and reports read it, old ones too', async () => {
  const target = newRun('target-4', { classes: 12 });
  const lines: string[] = [];
  const reporter = { line: (text: string) => lines.push(text), step: () => {}, stop: () => {} };
  await train({ directory: target, data, steps: 1, threads: 1, initFrom: source }, { reporter });
  const file = path.join(target, 'load-report.json');
  const report = JSON.parse(readFileSync(file, 'utf8')) as LoadReport;
  const fc = [
    { name: 'fc.weight', source: [10, 192], network: [12, 192] },
    { name: 'fc.bias', source: [10], network: [12] },
  ];
  expect(report.left).toEqual({ extra: ['old.weight'] });
  expect(report.fresh).toEqual({});
  expect(report.reinitialized).toEqual({ fc });
  expect(lines).toContain('  fc                      0       2       0       0');
  expect(lines).toContain('  reinitialized: fc.weight [10, 192] -> [12, 192], fc.bias [10] -> [12]');
  const stored = () => readRuns([target], fail)[0].loadReport;
  expect(stored()).toEqual(report);
  const { loaded, fresh, left } = report;
  writeFileSync(file, JSON.stringify({ source: 'old', loaded, fresh, left }));
  expect(stored()).toEqual({ source: 'old', loaded, fresh, left, averages: false, reinitialized: {} });
});
