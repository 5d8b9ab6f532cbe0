/** Starting from other weights: what is loaded, fresh and left, and what is refused. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { initialStatePath, readBundle } from '../../src/bundle/read';
import { readSafetensors, writeSafetensors } from '../../src/export/safetensors';
import { listCheckpoints, readNewestCheckpoint } from '../../src/training/checkpoints';
import { formatLoadReport, initializeFrom } from '../../src/training/initFrom';
import { train } from '../../src/training/trainer';
import { writeImageFolder } from '../support/imageFolder';
import { writeTinyBundle } from '../support/tinyBundle';
import type { TinyOptions } from '../support/tinyBundle';

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
    '  part               loaded   fresh    left',
    '  fc                      2       0       0',
    '  other norm              0       1       0',
    '  extra                   0       1       1',
    '  norm-after-pixels       0       0       1',
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

test('refused: another shape, nothing in common, a run without a checkpoint', () => {
  const target = newRun('target-3', { classes: 7 });
  expect(() => load(source, target)).toThrow(
    /fc\.weight is float32 \[10, 192\] there and float32 \[7, 192\] in this network/,
  );
  const foreign = path.join(folder, 'foreign.safetensors');
  writeSafetensors(foreign, [['x', { dtype: 'float32', shape: [1], data: new Float32Array(1) }]]);
  expect(() => load(foreign, target)).toThrow(/nothing in .*foreign\.safetensors matches this network/);
  expect(() => load(target, target)).toThrow(/no checkpoint there yet/);
});

test('training prints and stores the report', async () => {
  const target = newRun('target-4');
  const lines: string[] = [];
  const reporter = { line: (text: string) => lines.push(text), step: () => {}, stop: () => {} };
  await train({ directory: target, data, steps: 1, threads: 1, initFrom: source }, { reporter });
  const report: unknown = JSON.parse(readFileSync(path.join(target, 'load-report.json'), 'utf8'));
  expect(report).toMatchObject({ left: { extra: ['old.weight'] }, fresh: {} });
  expect(lines).toContain('  fc                      2       0       0');
});
