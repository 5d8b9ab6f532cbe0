/** Starting from other weights: what is loaded, reinitialized, fresh and left, and what is refused. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { buildBundle } from '../../graphs/tasks';
import { parseRecipe } from '../../graphs/recipes/load';
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
import { writeSmallBundle } from '../support/smallRun';
import { userErrorOf } from '../support/userError';

let folder: string;
let data: string;
let source: string;
beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'selfie-init-'));
  await writeImageFolder(path.join(folder, 'images'), 32);
  data = `folder:${path.join(folder, 'images')}`;
  source = newRun('source', 'task=pretrain');
  await train({ directory: source, data, steps: 3, threads: 1 });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A network that pretrains, or a classifier; its parts are those of one stage of two. */
function newRun(name: string, ...settings: string[]): string {
  const directory = path.join(folder, name);
  writeSmallBundle(directory, ...settings);
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
  const { state, report, initial } = load(source, newRun('target', 'network.stages=1,1'));
  expect(Object.keys(report.loaded)).toEqual(['stem', 'layer1']);
  // Same name, other part: two different things.
  const norm = ['weight', 'bias', 'running_mean', 'running_var'].map((name) => `norm.${name}`);
  expect(report.fresh).toMatchObject({ 'norm-after-layer2': norm, fc: ['fc.weight', 'fc.bias'] });
  expect(report.left['norm-after-layer1'].sort()).toEqual(norm.sort());
  expect(report.source).toBe(listCheckpoints(source)[0].file);
  const trained = readNewestCheckpoint(source, fail)?.state;
  expect(state.get('conv1.weight')).toEqual(trained?.get('conv1.weight'));
  for (const name of ['conv1.weight', 'layer1.0.bn1.running_mean'])
    expect(state.get(name)).not.toEqual(initial.get(name));
  for (const name of ['norm.running_mean', 'fc.weight', 'optim.momentum.conv1.weight'])
    expect(state.get(name)).toEqual(initial.get(name));
  expect(formatLoadReport(report)).toEqual([
    `weights from ${report.source}`,
    '  part               loaded  reinit   fresh    left',
    '  stem                    1       0       0       0',
    '  layer1                 16       0       0       0',
    '  layer2                  0       0      16       0',
    '  norm-after-layer2       0       0       4       0',
    '  fc                      0       0       2       0',
    '  attention_pooling       0       0       0      13',
    '  norm-after-layer1       0       0       0       4',
    '  position                0       0       0       1',
    '  fresh: layer2.0.bn1.weight, layer2.0.bn1.bias, layer2.0.bn1.running_mean, layer2.0.bn1.running_var, ' +
      'layer2.0.conv1.weight, layer2.0.bn2.weight and 16 more',
    expect.stringMatching(/^ {2}left: .* and 12 more$/),
  ]);
});

test('a checkpoint file knows its parts; a plain safetensors file goes by names; a bundle gives its initial state', () => {
  const target = newRun('target-2', 'network.stages=1,1');
  const [{ file }] = listCheckpoints(source);
  expect(load(file, target).report).toEqual(load(source, target).report);
  const { manifest, directory } = readBundle(target);
  const { tensors } = readSafetensors(path.join(directory, manifest.initialState));
  const given = new Map([...tensors, zeros('old.weight', [2])]);
  const [plain, typed] = ['plain', 'typed'].map((name) => path.join(folder, `${name}.safetensors`));
  writeSafetensors(plain, given);
  const { report } = load(plain, target);
  expect(Object.keys(report.loaded)).toEqual(['stem', 'layer1', 'layer2', 'norm-after-layer2', 'fc']);
  expect([report.fresh, report.left]).toEqual([{}, { '(no part)': ['old.weight'] }]);
  const kinds = { ...stateKinds(manifest), 'norm.bias': ['parameter', 'norm-after-layer1'] };
  writeSafetensors(typed, given, { state: JSON.stringify(kinds) });
  const { fresh, left } = load(typed, target).report;
  expect(fresh).toEqual({ 'norm-after-layer2': ['norm.bias'] });
  expect(left).toEqual({ 'norm-after-layer1': ['norm.bias'], '(no part)': ['old.weight'] });
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
  const bundle = readBundle(newRun('averaged', 'average.decay=0.9'));
  const initial = readSafetensors(initialStatePath(bundle)).tensors;
  const average = zeros('ema.fc.weight', [10, 8]);
  average[1].data[0] = 7;
  const tensors = [zeros('fc.weight', [10, 8]), zeros('fc.bias', [10]), average, zeros('ema.norm.bias', [8])];
  const [plain, typed] = ['plain', 'typed'].map((name) => path.join(folder, `ema-${name}.safetensors`));
  writeSafetensors(plain, tensors);
  const kinds = { ...stateKinds(bundle.manifest), 'norm.bias': ['parameter', 'x'] };
  writeSafetensors(typed, tensors, { state: JSON.stringify(kinds) });
  for (const from of [plain, typed]) {
    const { state, report } = initializeFrom(from, bundle.manifest, initial, fail);
    expect(state.get('fc.weight')?.data[0]).toBe(7);
    expect([report.averages, report.left]).toEqual([true, {}]);
    const fc = { fc: ['fc.weight', 'fc.bias'] };
    const norm = { 'norm-after-layer1': ['norm.bias'] };
    expect(report.loaded).toEqual(from === plain ? { ...norm, ...fc } : fc);
    expect(report.fresh['norm-after-layer1'].includes('norm.bias')).toBe(from === typed);
    expect(formatLoadReport(report)[0]).toBe(`weights from ${from} (moving averages)`);
    const averages = bundle.manifest.state.filter(({ kind }) => kind === 'average');
    expect(averages).toHaveLength(23);
    for (const { name } of averages) expect(state.get(name)).toBe(state.get(name.slice('ema.'.length)));
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
  const target = newRun('target-4', 'network.classes=12');
  const lines: string[] = [];
  const reporter = { line: (text: string) => lines.push(text), step: () => {}, stop: () => {} };
  await train(
    { directory: target, data, steps: 1, threads: 1, initFrom: newRun('ten') + '/graph' },
    { reporter },
  );
  const file = path.join(target, 'load-report.json');
  const report = JSON.parse(readFileSync(file, 'utf8')) as LoadReport;
  const fc = [
    { name: 'fc.weight', source: [10, 8], network: [12, 8] },
    { name: 'fc.bias', source: [10], network: [12] },
  ];
  expect([report.fresh, report.left]).toEqual([{}, {}]);
  expect(report.reinitialized).toEqual({ fc });
  expect(lines).toContain('  fc                      0       2       0       0');
  expect(lines).toContain('  reinitialized: fc.weight [10, 8] -> [12, 8], fc.bias [10] -> [12]');
  const stored = () => readRuns([target], fail)[0].loadReport;
  expect(stored()).toEqual(report);
  const { loaded, fresh, left } = report;
  writeFileSync(file, JSON.stringify({ source: 'old', loaded, fresh, left }));
  expect(stored()).toEqual({ source: 'old', loaded, fresh, left, averages: false, reinitialized: {} });
});
