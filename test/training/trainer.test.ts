/** Training from end to end on a small bundle: losses, the ways to do a step, and what stops it. */
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { subset } from '../../src/data/batches/sampler';
import { openSource } from '../../src/data/sources/readers';
import { readSafetensors } from '../../src/tensors/safetensors';
import { availableProviders } from '../../src/runtime/providers';
import { listCheckpoints, readCheckpoint } from '../../src/run/checkpoints';
import { readMetrics } from '../../src/run/metricsLog';
import { train } from '../../src/training/trainer';
import type { TrainOptions } from '../../src/training/trainer';
import { fileEvents } from '../support/durability';
import { writeImageFolder } from '../support/imageFolder';
import { writeSmallBundle } from '../support/smallRun';

let folder: string;
let data: string;
beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'selfie-train-'));
  await writeImageFolder(path.join(folder, 'images'), 64);
  data = `folder:${path.join(folder, 'images')}`;
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function newRun(name: string, ...settings: string[]): string {
  const directory = path.join(folder, name);
  writeSmallBundle(directory, ...settings);
  return directory;
}
const run = (directory: string, more: Partial<TrainOptions> = {}) =>
  train({ directory, data, steps: 12, threads: 1, ...more });
const metrics = (directory: string) => readMetrics(path.join(directory, 'metrics.jsonl'));
const constantRate = (rate: number) => [
  ...['schedule.kind=constant', `schedule.peak=${rate}`, 'schedule.warmupSteps=0'],
];
const newest = (directory: string) => readCheckpoint(listCheckpoints(directory)[0].file);

test('the loss falls; metrics, checkpoints and run.json are written', async () => {
  const directory = newRun('plain');
  const result = await run(directory, { steps: 40, checkpointEvery: 10, keepCheckpoints: 2 });
  expect(result).toMatchObject({ step: 40, steps: 40, interrupted: false });
  const lines = metrics(directory);
  expect(lines.map(({ step }) => step)).toEqual(Array.from({ length: 40 }, (_, i) => i + 1));
  const mean = (part: typeof lines) => part.reduce((sum, { loss }) => sum + loss, 0) / part.length;
  expect(mean(lines.slice(-5))).toBeLessThan(0.4 * mean(lines.slice(0, 5)));
  expect(Object.keys(lines[0])).toEqual([
    ...[
      'step',
      'epoch',
      'loss',
      'accuracy',
      'learning_rate',
      'accuracy_top5',
      'images_per_second',
      'data_wait',
      'elapsed_seconds',
    ],
  ]);
  // 64 images, batches of 16: four steps an epoch
  expect(lines.map(({ epoch }) => epoch).slice(0, 9)).toEqual([0, 0, 0, 0, 1, 1, 1, 1, 2]);
  expect(lines.every(({ data_wait }) => data_wait >= 0 && data_wait <= 1)).toBe(true);
  expect(listCheckpoints(directory).map(({ step }) => step)).toEqual([40, 30]);
  expect(readdirSync(path.join(directory, 'tensorboard'))).toHaveLength(1);
  expect(JSON.parse(readFileSync(path.join(directory, 'run.json'), 'utf8'))).toMatchObject({
    data,
    steps: 40,
    seed: 0,
  });
});

test('a checkpoint gets its name when it and the lines of its steps are on the disk', async () => {
  const directory = newRun('durable');
  const events = await fileEvents(() => run(directory, { steps: 2, checkpointEvery: 1 }));
  const seen = events
    .map((event) => event.replace(/events\.out\S+/, 'events'))
    .filter((event) => /metrics\.jsonl$|events|step-/.test(event));
  const first = seen.indexOf('write metrics.jsonl');
  expect(seen.slice(first)).toEqual(
    [1, 2].flatMap((step) => [
      ...['write metrics.jsonl', 'write events', 'sync metrics.jsonl', 'sync events'],
      ...[`write step-${step}.safetensors.tmp`, `sync step-${step}.safetensors.tmp`],
      `rename step-${step}.safetensors.tmp step-${step}.safetensors`,
    ]),
  );
});

test('a folder that is itself a bundle works too', async () => {
  const directory = path.join(newRun('bundle-itself'), 'graph');
  await run(directory, { steps: 2 });
  expect(listCheckpoints(directory).map(({ step }) => step)).toEqual([2]);
});

test('K steps in one call are the same steps, also where K does not divide', async () => {
  const single = newRun('single');
  const loop = newRun('loop');
  await run(single);
  const { last } = await run(loop, { stepsPerRun: 5, checkpointEvery: 7 });
  expect(last?.metrics.loss).toBe(metrics(loop)[11].loss);
  expect(listCheckpoints(loop).map(({ step }) => step)).toEqual([12, 7]);
  const [a, b] = [metrics(single), metrics(loop)];
  expect(b.map(({ step, epoch, learning_rate }) => [step, epoch, learning_rate])).toEqual(
    a.map(({ step, epoch, learning_rate }) => [step, epoch, learning_rate]),
  );
  b.forEach(({ loss }, i) => expect(loss).toBeCloseTo(a[i].loss, 5));
  const weights = (directory: string) =>
    Array.from(newest(directory).state.get('fc.weight')?.data ?? [], Number);
  weights(loop).forEach((w, i) => expect(w).toBeCloseTo(weights(single)[i], 5));
});

test('a run cut at other places makes the same K-step calls after a resume', async () => {
  const whole = newRun('loop-whole');
  const cut = newRun('loop-cut');
  const options = { stepsPerRun: 5, checkpointEvery: 4 };
  await run(whole, options);
  const stop = new AbortController();
  const stopAt6 = {
    line: () => {},
    stop: () => {},
    step: ({ step }: { step: number }) => {
      if (step >= 6) stop.abort();
    },
  };
  const first = await train(
    { directory: cut, data, steps: 12, threads: 1, ...options },
    { reporter: stopAt6, signal: stop.signal },
  );
  expect(first.interrupted).toBe(true);
  await train({ directory: cut, resume: true });
  expect(
    readFileSync(listCheckpoints(cut)[0].file).equals(readFileSync(listCheckpoints(whole)[0].file)),
  ).toBe(true);
});

test('accumulating N batches equals the mean gradient of the N, and moves the data on by N', async () => {
  const plain = ['optimizer.nesterov=false', 'optimizer.weightDecay=0'];
  const directory = newRun('accumulated', ...plain, ...constantRate(0.25));
  await run(directory, { steps: 1, accumulate: 2 });
  // The same two batches one by one from the initial weights, at rate 0 for the first: gradients by hand from momenta.
  const initial = readSafetensors(path.join(directory, 'graph', 'init.safetensors')).tensors;
  const state = newest(directory).state;
  const numbers = (tensors: typeof state, name: string) => Array.from(tensors.get(name)?.data ?? [], Number);
  const moment = numbers(state, 'optim.momentum.fc.weight');
  expect(Math.max(...moment.map(Math.abs))).toBeGreaterThan(1e-3);
  numbers(state, 'fc.weight').forEach((w, i) => {
    expect(w).toBeCloseTo(numbers(initial, 'fc.weight')[i] - 0.25 * moment[i], 5);
  });
  const frozen = newRun('frozen', ...plain, ...constantRate(1e-30));
  await run(frozen, { steps: 2, checkpointEvery: 1 });
  const at = (step: number) =>
    numbers(
      readCheckpoint(path.join(frozen, 'checkpoints', `step-${step}.safetensors`)).state,
      'optim.momentum.fc.weight',
    );
  // m1 = g1, m2 = 0.9 m1 + g2
  const [m1, m2] = [at(1), at(2)];
  moment.forEach((m, i) => expect(m).toBeCloseTo((m1[i] + m2[i] - 0.9 * m1[i]) / 2, 5));
  expect(newest(directory).dataPosition).toBe(2);
  expect(metrics(directory)[0].loss).toBeCloseTo((metrics(frozen)[0].loss + metrics(frozen)[1].loss) / 2, 5);
});

test.each(['balanced', 'uniform'] as const)(
  'a %s subset of the labels is drawn from the seed and written down',
  async (labelSubset) => {
    const directory = newRun(`subset-${labelSubset}`, `labelSubset=${labelSubset}`);
    await run(directory, { steps: 2, labels: '20' });
    const { labels, indices } = JSON.parse(readFileSync(path.join(directory, 'labels.json'), 'utf8')) as {
      labels: string;
      indices: number[];
    };
    expect(labels).toBe('20');
    const source = await openSource(data, 'train');
    const drawn = subset(source, '20', 0, { balanced: labelSubset === 'balanced' });
    expect(indices).toEqual([...drawn]);
  },
);

test('a loss that is not finite stops the run by name and keeps the last good checkpoint', async () => {
  const directory = newRun('diverging', ...constantRate(1e38));
  await expect(run(directory, { checkpointEvery: 1 })).rejects.toThrow(
    /(the loss is (NaN|Infinity) at step \d+|is not finite after step \d+); build with a lower schedule\.peak/,
  );
  for (const { file } of listCheckpoints(directory)) {
    for (const { data: values } of readCheckpoint(file).state.values()) {
      expect(Array.from(values, Number).every(Number.isFinite)).toBe(true);
    }
  }
  expect(metrics(directory).every(({ loss }) => Number.isFinite(loss))).toBe(true);
});

describe('nothing is written where something is wrong before the start', () => {
  const rejects = async (directory: string, more: Partial<TrainOptions>, message: RegExp) => {
    const before = readdirSync(directory).sort();
    const error = await run(directory, more).then(
      () => null,
      (thrown: unknown) => thrown as Error,
    );
    expect(error?.name).toBe('UserError');
    expect(error?.message).toMatch(message);
    expect(error?.message).not.toContain('\n');
    expect(readdirSync(directory).sort()).toEqual(before);
  };

  test('data, numbers, options that exclude each other, weights', async () => {
    const directory = newRun('wrong');
    await rejects(directory, { data: 'folder:/nonexistent' }, /\/nonexistent/);
    await rejects(directory, { data: undefined }, /--data is missing/);
    await rejects(directory, { steps: 1.5 }, /--steps 1.5: must be a whole number, 0 or more/);
    await rejects(directory, { accumulate: 2, stepsPerRun: 2 }, /exclude each other/);
    await rejects(directory, { initFrom: '/nonexistent' }, /--init-from \/nonexistent: no such file/);
    await rejects(directory, { labels: '65' }, /labels '65' is more than the 64 examples/);
  });

  test('fewer classes in the network than in the data, a graph that the runtime refuses', async () => {
    await rejects(newRun('few-classes', 'network.classes=7'), {}, /10 classes, the network 7/);
    const broken = newRun('broken-graph');
    writeFileSync(path.join(broken, 'graph', 'train.onnx'), 'no graph');
    await rejects(broken, {}, /cannot load .*train\.onnx on cpu: /);
  });

  test('a provider that is not there', async () => {
    const missing = (['cuda', 'webgpu'] as const).find(
      (provider) => !availableProviders().includes(provider),
    );
    if (missing === undefined) return;
    await rejects(
      newRun('provider'),
      { provider: missing },
      new RegExp(`^--provider ${missing}: not available here \\(.*\\); available: cpu`),
    );
  });

  test('a folder without a bundle', async () => {
    await expect(run(path.join(folder, 'images'))).rejects.toThrow(/no bundle here .*selfie build-graph/);
    expect(existsSync(path.join(folder, 'images', 'run.json'))).toBe(false);
  });
});

test('an image that turns out broken stops the run in one line', async () => {
  const images = path.join(folder, 'broken-images');
  await writeImageFolder(images, 32);
  writeFileSync(path.join(images, 'class0', '0000.png'), 'no image');
  await expect(run(newRun('broken-image'), { data: `folder:${images}` })).rejects.toThrow(/0000\.png/);
});
