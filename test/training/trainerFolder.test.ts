/** What a training leaves in its folder, what it says, and when it looks up from its steps. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { initialStatePath, readBundle } from '../../src/bundle/read';
import type { Probe } from '../../src/evaluation/probe';
import { listCheckpoints, readCheckpoint } from '../../src/run/checkpoints';
import { asideOf } from '../../src/base/aside';
import { readMetrics } from '../../src/run/metricsLog';
import { runPaths } from '../../src/run/runFolder';
import { readSafetensors } from '../../src/tensors/safetensors';
import { silentReporter } from '../../src/training/reporter';
import { train, type TrainHooks, type TrainOptions } from '../../src/training/trainer';
import { fileEvents } from '../support/durability';
import { writeImageFolder } from '../support/imageFolder';
import { writeSmallBundle } from '../support/smallRun';
import { callsOf } from '../support/wiring';

let folder: string;
let data: string;
beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'selfie-folder-'));
  await writeImageFolder(path.join(folder, 'images'), 40);
  data = `folder:${path.join(folder, 'images')}`;
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function newRun(name: string, ...settings: string[]): string {
  const directory = path.join(folder, name);
  writeSmallBundle(directory, 'batch=4', ...settings);
  return directory;
}
/** Trains, and what it said. */
async function run(directory: string, more: Partial<TrainOptions> = {}, hooks: TrainHooks = {}) {
  const lines: string[] = [];
  const reporter = { ...silentReporter, line: (line: string) => lines.push(line) };
  const result = await train({ directory, data, threads: 1, steps: 4, ...more }, { reporter, ...hooks });
  return { lines, result };
}
const steps = (directory: string) => listCheckpoints(directory).map(({ step }) => step);

test('no step at all: a checkpoint of the initial state, so that it can be evaluated', async () => {
  const directory = newRun('none');
  const { result } = await run(directory, { steps: 0 });
  const file = path.join(directory, 'checkpoints', 'step-0.safetensors');
  expect(result).toEqual({
    step: 0,
    steps: 0,
    interrupted: false,
    last: undefined,
    checkpoint: file,
    broken: 0,
  });
  const initial = readSafetensors(initialStatePath(readBundle(directory))).tensors;
  expect([...readCheckpoint(file).state].sort()).toEqual([...initial].sort());
});

test('what was drawn is written down, with what it was drawn by', async () => {
  const directory = newRun('drawn');
  await run(directory, { seed: 3, steps: 1, validation: '10', labels: '20' });
  const { labels, validation } = runPaths(directory);
  const [chosen, kept] = [labels, validation].map(
    (file) => JSON.parse(readFileSync(file, 'utf8')) as unknown,
  );
  expect(chosen).toMatchObject({ labels: '20', seed: 3 });
  expect(kept).toMatchObject({ validation: '10', seed: 3 });
  const [used, apart] = [chosen, kept].map((drawn) => (drawn as { indices: number[] }).indices);
  expect([used.length, apart.length, new Set([...used, ...apart]).size]).toEqual([20, 10, 30]);
});

test('stopped before the first step: nothing is written but what it was to be', async () => {
  const directory = newRun('stopped');
  const { result } = await run(directory, {}, { signal: AbortSignal.abort() });
  expect(result).toMatchObject({ step: 0, steps: 4, interrupted: true, checkpoint: undefined });
  expect([steps(directory), readMetrics(runPaths(directory).metrics)]).toEqual([[], []]);
  expect(existsSync(runPaths(directory).run)).toBe(true);
});

test('what an earlier run left that ended before its first checkpoint is gone; a resumed one keeps its own', async () => {
  const directory = newRun('stale');
  const paths = runPaths(directory);
  mkdirSync(paths.tensorboard);
  writeFileSync(path.join(paths.tensorboard, 'old'), '');
  mkdirSync(paths.checkpoints);
  const place = path.join(paths.checkpoints, 'step-2.safetensors');
  // of another process of this number, which started at another time
  writeFileSync(asideOf(place).replace(/\.(\d+)-\d*-/, '.$1-1-'), '');
  for (const file of [paths.labels, paths.validation, paths.loadReport]) writeFileSync(file, '{}');
  await run(directory, { steps: 2 });
  expect(readdirSync(directory).sort()).toEqual([
    'checkpoints',
    'graph',
    'metrics.jsonl',
    'run.json',
    'tensorboard',
  ]);
  expect(readdirSync(paths.tensorboard)).toHaveLength(1);
  expect(readdirSync(paths.checkpoints)).toEqual(['step-2.safetensors']);

  const kept = newRun('kept');
  const from = { labels: '20', validation: '10', initFrom: path.join(directory, 'graph') };
  await run(kept, { ...from, steps: 4, checkpointEvery: 2 });
  rmSync(listCheckpoints(kept)[0].file);
  const { lines, result } = await run(kept, { ...from, resume: true });
  expect(lines[0]).toBe('resuming after step 2 of 4');
  expect(lines[1]).toMatch(/^validation after step 4: loss \d\.\d{4}, accuracy \d+\.\d{2} %$/);
  expect(lines).toHaveLength(2);
  expect(result.step).toBe(4);
  expect(readdirSync(kept).sort()).toEqual(
    [
      ...['checkpoints', 'graph', 'labels.json', 'load-report.json', 'metrics.jsonl', 'run.json'],
      ...['tensorboard', 'validation.json', 'validation.jsonl'],
    ].sort(),
  );
});

test('a checkpoint comes after the validation of its step, every so many steps and at the end, the last so many', async () => {
  const directory = newRun('order');
  const events = await fileEvents(() =>
    run(directory, { steps: 7, checkpointEvery: 2, keepCheckpoints: 3, validation: '5' }),
  );
  const names = events
    .filter((event) => /^rename .*(validation\.jsonl|step-)/.test(event))
    .map((e) => e.split(' ')[2]);
  expect(names).toEqual([2, 4, 6, 7].flatMap((step) => ['validation.jsonl', `step-${step}.safetensors`]));
  expect(steps(directory)).toEqual([7, 6, 4]);
});

test('calls end where something is to be measured or kept, so that a resumed run makes the same', async () => {
  const directory = newRun('calls');
  const measured: number[] = [];
  const probe: Probe = {
    every: 4,
    measure: () => {
      measured.push(measured.length);
      return Promise.resolve({ metrics: { knn_accuracy: 0.5 }, text: 'measured', broken: [] });
    },
  };
  const lines: string[] = [];
  const reporter = { ...silentReporter, line: (line: string) => lines.push(line) };
  const calls = await callsOf(
    { directory, data, steps: 14, stepsPerRun: 5, checkpointEvery: 7 },
    { probe, reporter },
  );
  const sizes = calls.map(({ feeds }) => feeds.find(([name]) => name === 'learning_rate')?.[1].data.length);
  // up to 4 (probe), 5, 7 (checkpoint), 8 (probe), 10, 12 (probe), 14 (checkpoint and end)
  expect(sizes).toEqual([4, 1, 2, 1, 2, 2, 2]);
  expect(lines).toEqual([4, 8, 12, 14].map((step) => `step ${step}: measured`));
  const metrics = readMetrics(runPaths(directory).metrics);
  expect(metrics.flatMap((line) => ('knn_accuracy' in line ? [line.step] : []))).toEqual([4, 8, 12, 14]);
  expect(steps(directory)).toEqual([14, 7]);
  const again = await callsOf({ directory: newRun('accumulated'), data, steps: 2, accumulate: 3 });
  expect(again.map(({ graph }) => graph)).toEqual([1, 2].flatMap(() => ['grad', 'grad', 'grad', 'apply']));
});

test('images that a probe skips are named and counted once', async () => {
  const broken = [{ index: 3, where: 'a.png', reason: 'a.png is broken' }];
  const probe: Probe = { every: 1, measure: () => Promise.resolve({ metrics: {}, text: '-', broken }) };
  const { result, lines } = await run(newRun('probed'), { steps: 2 }, { probe });
  expect(result.broken).toBe(1);
  expect(lines.filter((line) => line.startsWith('warning'))).toEqual(['warning: skipped: a.png is broken']);
});

test('weights that are no longer finite are no checkpoint, although every loss was', async () => {
  const directory = newRun('overflowing', 'optimizer.name=lars', 'optimizer.trust=1e6', 'schedule.peak=1e38');
  await expect(run(directory, { steps: 1 })).rejects.toThrow(
    /^\S+ is not finite after step 1; .*\(no checkpoint was written yet\)$/,
  );
  expect(readMetrics(runPaths(directory).metrics).map(({ loss }) => Number.isFinite(loss))).toEqual([true]);
  expect(steps(directory)).toEqual([]);
});
