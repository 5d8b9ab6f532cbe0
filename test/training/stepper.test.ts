/** What a training step is fed with, and what becomes of its answers: one step, K at once, one over several batches. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { GraphName, Manifest } from '../../src/bundle/manifest';
import { averageDecay, learningRate } from '../../src/bundle/schedule';
import type { FedBatch } from '../../src/evaluation/feeds';
import type { HostTensor } from '../../src/tensors/dtype';
import { graphsUsed, runSteps, scalarsOf } from '../../src/training/stepper';
import { RANDOM, writeSmallBundle } from '../support/smallRun';
import { numbersOf } from '../support/tensors';

let folder: string;
let manifest: Manifest;
let plain: Manifest;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'selfie-stepper-'));
  const small = ['batch=2', 'image.size=8', 'patch.size=4', 'optimizer.clipNorm=1'];
  ({ manifest } = writeSmallBundle(path.join(folder, 'random'), ...small, ...RANDOM));
  ({ manifest: plain } = writeSmallBundle(path.join(folder, 'plain'), ...small));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const batchAt = (step: number): FedBatch => ({
  step,
  epoch: Math.floor(step / 3),
  indices: Int32Array.of(0, 1),
  images: new Uint8Array(2 * 8 * 8 * 3).fill(step),
  labels: BigInt64Array.of(BigInt(step), 9n),
});
const batches = [5, 6, 7].map(batchAt);
const settings = { seed: 3, steps: 40, stepsPerRun: 1, accumulate: 1 };

describe('random and hyper inputs', () => {
  const values = (steps: readonly number[], seed = 3, of = manifest) =>
    scalarsOf(of, { seed, steps: 40 }, steps.map(batchAt), (i) => 10 * i);

  test('each step has a dropout seed in [0, 2^31) and a mixup weight in [0, 1] of its own', () => {
    const steps = Array.from({ length: 200 }, (_, i) => i);
    const { dropout_seed: seeds, mixup_weight: weights } = values(steps);
    expect(new Set(seeds).size).toBe(200);
    expect(new Set(weights).size).toBe(200);
    expect(Math.min(...seeds)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...seeds)).toBeLessThan(2 ** 31);
    expect(Math.max(...seeds)).toBeGreaterThan(2 ** 30);
    expect(seeds.every(Number.isInteger)).toBe(true);
    expect(Math.min(...weights)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...weights)).toBeLessThanOrEqual(1);
  });

  test('they are of the run’s seed and the place in the data, whatever is asked for beside', () => {
    const { dropout_seed: seeds, mixup_weight: weights } = values([4, 5, 6]);
    expect(values([6])).toMatchObject({ dropout_seed: [seeds[2]], mixup_weight: [weights[2]] });
    const others = values([4, 5, 6], 4);
    seeds.forEach((seed, i) => expect(others.dropout_seed[i]).not.toBe(seed));
    weights.forEach((weight, i) => expect(others.mixup_weight[i]).not.toBe(weight));
  });

  test('without mixup the weight is 1', () => {
    expect(values([4, 5], 3, plain).mixup_weight).toEqual([1, 1]);
  });

  test('rate and decay are those of the step in training', () => {
    const { schedule, average } = manifest.recipe;
    const found = values([4, 5, 6]);
    expect(found.learning_rate).toEqual([0, 10, 20].map((step) => learningRate(schedule, step, 40)));
    expect(found.average_decay).toEqual([0, 10, 20].map((step) => averageDecay(average.decay, step)));
  });
});

/** Answers each metric with a number that grows by one a call, and keeps what it was fed with. */
function recorder() {
  const calls: { graph: GraphName; feeds: Map<string, HostTensor> }[] = [];
  const run = (graph: GraphName, feeds: Iterable<readonly [string, HostTensor]>) => {
    const given = new Map(feeds);
    calls.push({ graph, feeds: given });
    const rates = given.get('learning_rate')?.data.length ?? 1;
    const data = Float32Array.from({ length: rates }, (_, i) => calls.length + i / 8);
    const outputs = manifest.graphs[graph].outputs.filter(({ role }) => role === 'metric');
    return Promise.resolve(
      new Map(outputs.map(({ name }) => [name, { dtype: 'float32' as const, shape: [rates], data }])),
    );
  };
  return { calls, run };
}

const names = (feeds: ReadonlyMap<string, HostTensor>) => [...feeds.keys()];
const fed = (feeds: ReadonlyMap<string, HostTensor>, name: string) =>
  numbersOf(feeds.get(name) as HostTensor);
const SCALARS = ['dropout_seed', 'mixup_weight', 'learning_rate', 'average_decay'];
const RECORD = ['loss', 'accuracy', 'accuracy_top5', 'gradient_norm'];

test('one step: the batch, the scalars of its place, and its metrics', async () => {
  const session = recorder();
  const results = await runSteps(session, manifest, settings, 20, [batches[1]]);
  const [{ graph, feeds }] = session.calls;
  expect([session.calls.length, graph, names(feeds)]).toEqual([1, 'train', ['images', 'labels', ...SCALARS]]);
  expect(feeds.get('images')).toMatchObject({ shape: [2, 8, 8, 3], data: batches[1].images });
  expect(fed(feeds, 'labels')).toEqual([6, 9]);
  const values = scalarsOf(manifest, settings, [batches[1]], () => 20);
  for (const name of SCALARS) {
    const [value] = values[name as keyof typeof values];
    expect(fed(feeds, name)).toEqual([name === 'dropout_seed' ? value : Math.fround(value)]);
  }
  const metrics = Object.fromEntries(RECORD.map((name) => [name, 1]));
  expect(results).toEqual([{ epoch: 2, learningRate: values.learning_rate[0], metrics }]);
});

test('K steps in one call: everything stacked, the rate of each step, a result a step', async () => {
  const session = recorder();
  const together = { ...settings, stepsPerRun: 3 };
  const results = await runSteps(session, manifest, together, 20, batches);
  const [{ graph, feeds }] = session.calls;
  expect([session.calls.length, graph]).toEqual([1, 'train-loop']);
  expect(feeds.get('images')?.shape).toEqual([3, 2, 8, 8, 3]);
  expect(fed(feeds, 'labels')).toEqual([5, 9, 6, 9, 7, 9]);
  const rates = [20, 21, 22].map((step) => learningRate(manifest.recipe.schedule, step, 40));
  expect(fed(feeds, 'learning_rate')).toEqual(rates.map(Math.fround));
  expect(feeds.get('dropout_seed')?.shape).toEqual([3]);
  expect(results.map(({ epoch, learningRate: rate }) => [epoch, rate])).toEqual([
    [1, rates[0]],
    [2, rates[1]],
    [2, rates[2]],
  ]);
  expect(results.map(({ metrics }) => metrics.loss)).toEqual([1, 1.125, 1.25]);
});

test('a step over several batches: gradients of each with seeds of its own, then one update; metrics are means', async () => {
  const session = recorder();
  const accumulated = { ...settings, accumulate: 3 };
  const results = await runSteps(session, manifest, accumulated, 20, batches);
  expect(session.calls.map(({ graph }) => graph)).toEqual(['grad', 'grad', 'grad', 'apply']);
  const seeds = scalarsOf(manifest, settings, batches, () => 20).dropout_seed;
  session.calls.slice(0, 3).forEach(({ feeds }, i) => {
    expect(fed(feeds, 'labels')).toEqual([5 + i, 9]);
    expect(fed(feeds, 'dropout_seed')).toEqual([seeds[i]]);
  });
  const rate = learningRate(manifest.recipe.schedule, 20, 40);
  const { feeds } = session.calls[3];
  expect(names(feeds)).toEqual(['learning_rate', 'average_decay']);
  expect(fed(feeds, 'learning_rate')).toEqual([Math.fround(rate)]);
  const [{ epoch, learningRate: used, metrics }] = results;
  expect([results.length, epoch, used]).toEqual([1, 1, rate]);
  // the means of 1, 2 and 3, and the norm that the fourth call gave
  expect(metrics).toEqual({ loss: 2, accuracy: 2, accuracy_top5: 2, gradient_norm: 4 });
});

test('the graphs that are needed', () => {
  const used = (stepsPerRun: number, accumulate: number) => graphsUsed({ stepsPerRun, accumulate });
  expect([used(1, 1), used(2, 1), used(1, 2)]).toEqual([['train'], ['train-loop'], ['grad', 'apply']]);
});
