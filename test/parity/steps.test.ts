/** Ten training steps of tiny networks against PyTorch's stored numbers (tools/reference/step_fixtures.py). */
import { readdirSync } from 'node:fs';
import { programOf } from '../../graphs/tasks';
import type { StepGraph } from '../../src/compile/ports';
import { encoderGraph, evalGraph, trainGraph } from '../../src/compile/step';
import type { Optimization } from '../../src/lowering/optimizations';
import type { DType, HostTensor } from '../../src/tensors/dtype';
import { averageDecay } from '../../src/bundle/schedule';
import { fixture } from '../support/paths';
import { lowerForTest, openGraph, runGraph } from '../support/run';
import { scalarsAt, torchCase, type TorchCase } from '../support/torchCase';

const numbers = ({ data }: HostTensor) => Float64Array.from(data as Float32Array);
const norm = (x: Float64Array) => Math.hypot(...x);
/** |a - b| / |b|, or |a| where b is zero. */
const relativeError = (a: Float64Array, b: Float64Array): number =>
  norm(a.map((v, i) => v - b[i])) / (norm(b) || 1);

const convert = ({ shape, data }: HostTensor, dtype: DType): HostTensor => ({
  dtype,
  shape,
  data:
    dtype === 'float64' ? Float64Array.from(data as Float32Array) : Float32Array.from(data as Float32Array),
});

/** Runs the steps, feeding each next state back; returns each step's metrics and the state after it. */
async function train(stored: TorchCase, dtype: 'float32' | 'float64' = 'float32') {
  const { recipe, batch, learningRates } = stored;
  const step = trainGraph(programOf, recipe, dtype);
  const open = await openGraph(step.graph, { precision: recipe.precision });
  const metrics: Record<string, number>[] = [];
  const states: Map<string, HostTensor>[] = [];
  let state = new Map(
    [...stored.state].map(([name, tensor]) => [name, dtype === 'float64' ? convert(tensor, dtype) : tensor]),
  );
  try {
    for (let i = 0; i < learningRates.length; i++) {
      const feeds = { ...Object.fromEntries([...batch, ...state]), ...scalarsAt(stored, i) };
      const results = await open.run(feeds);
      const found = step.contract.outputs.filter(({ role }) => role === 'metric');
      metrics.push(Object.fromEntries(found.map(({ name }) => [name, Number(results[name].data[0])])));
      state = new Map(state);
      for (const port of step.contract.outputs) {
        if (port.replaces !== undefined) state.set(port.replaces, results[port.name]);
      }
      states.push(state);
    }
  } finally {
    await open.release();
  }
  return { metrics, states };
}

/** How far each of a step's metrics is from PyTorch's, relative but for zeros. */
const metricErrors = (found: Readonly<Record<string, number>>, f64: TorchCase['f64'], step: number) =>
  Object.entries(found).map(([name, value]): [string, number] => [
    name,
    Math.abs(value - f64[name][step]) / (Math.abs(f64[name][step]) || 1),
  ]);

const cases = readdirSync(fixture('torch')).flatMap((file) => {
  const name = file.replace(/\.json$/, '');
  return file.endsWith('.json') && /^(pretrain|finetune)/.test(name) ? [name] : [];
});

test('there are stored cases of both tasks and both network versions', () => {
  expect(cases).toEqual(expect.arrayContaining(['pretrain-v1', 'pretrain-v2', 'finetune-v1', 'finetune-v2']));
});

test('and of label smoothing, mixup, moving averages and consistency training', () => {
  const recipes = cases.map((name) => torchCase(name).recipe);
  expect(recipes.some(({ regularize }) => regularize.labelSmoothing > 0)).toBe(true);
  expect(recipes.some(({ regularize }) => regularize.mixup > 0)).toBe(true);
  expect(recipes.some(({ average }) => average.decay > 0)).toBe(true);
  expect(recipes.some(({ consistency }) => consistency.ratio > 0)).toBe(true);
});

describe.each(cases)('%s', (name) => {
  const stored = torchCase(name);
  const { recipe, state: initial, batch, f64, averagedLoss } = stored;
  const truth = stored.under('f64');
  const fed = ({ contract }: StepGraph, state: ReadonlyMap<string, HostTensor>) =>
    Object.fromEntries(
      contract.inputs.map((port) => [
        port.name,
        (state.get(port.name) ?? batch.get(port.name)) as HostTensor,
      ]),
    );

  test('loss within 1e-5, updated state within 1e-4 of its norm, loss of step 10 within 1e-3', async () => {
    const { metrics, states } = await train(stored);
    expect(Math.abs(metrics[0].loss / f64.loss[0] - 1)).toBeLessThan(1e-5);
    expect(metricErrors(metrics[0], f64, 0).filter(([, error]) => !(error < 1e-4))).toEqual([]);
    expect([...states[0].keys()].sort()).toEqual([...truth.keys()].sort());
    const errors = [...truth].map(([key, expected]): [string, number] => [
      key,
      relativeError(numbers(states[0].get(key) as HostTensor), numbers(expected)),
    ]);
    expect(errors.filter(([, error]) => !(error < 1e-4))).toEqual([]);
    expect(Math.abs(metrics[9].loss / f64.loss[9] - 1)).toBeLessThan(1e-3);
    if (averagedLoss) {
      const evaluation = evalGraph(programOf, recipe);
      const { loss } = await runGraph(evaluation.graph, fed(evaluation, states[9]));
      expect(relativeError(numbers(loss), Float64Array.from(averagedLoss))).toBeLessThan(1e-3);
    }
  });

  test('evaluation and inference agree on the initial state', async () => {
    const expected = stored.under('eval');
    const evaluation = evalGraph(programOf, recipe);
    const results = await runGraph(evaluation.graph, fed(evaluation, initial));
    const encoder = encoderGraph(programOf, recipe);
    const inferred = await runGraph(encoder.graph, fed(encoder, initial));
    expect(Object.keys(results).sort()).toEqual([...expected.keys()].sort());
    expect(Object.keys(inferred)).toContain('embedding');
    const errors = [...Object.entries(results), ...Object.entries(inferred)].map(
      ([key, computed]): [string, number] => [
        key,
        relativeError(numbers(computed), numbers(expected.get(key) as HostTensor)),
      ],
    );
    expect(errors.filter(([, error]) => !(error < 1e-4))).toEqual([]);
  });

  // GELU needs Erf, which ONNX Runtime's CPU provider has in float32 only.
  if (recipe.task === 'finetune' && recipe.network.globalPool === 'average') {
    test('in float64 the same graph agrees with PyTorch to 1e-10', async () => {
      const { metrics, states } = await train(stored, 'float64');
      const errors = metrics.flatMap((found, i) => metricErrors(found, f64, i));
      expect(errors.filter(([, error]) => !(error < 1e-10))).toEqual([]);
      // The stored state is rounded to float32.
      const rounded = [...truth].map(([key, expected]): [string, number] => [
        key,
        relativeError(numbers(states[0].get(key) as HostTensor), numbers(expected)),
      ]);
      expect(rounded.filter(([, error]) => !(error < 1e-7))).toEqual([]);
    });
  }

  if (recipe.average.decay > 0) {
    test('averages everything but the optimizer, with the decay that the trainer feeds', () => {
      const decays = stored.learningRates.map((_, step) =>
        Math.fround(averageDecay(recipe.average.decay, step)),
      );
      expect(stored.scalars.average_decay).toEqual(decays);
      const names = [...initial.keys()].filter((key) => !/^(optim|ema)\./.test(key));
      const averages = [...initial.keys()].filter((key) => key.startsWith('ema.'));
      expect(averages.sort()).toEqual(names.map((key) => `ema.${key}`).sort());
    });
  }

  if (recipe.consistency.ratio > 0) {
    test('in every step some unlabelled images count and some do not', () => {
      expect(Math.min(...f64.confident)).toBeGreaterThan(0);
      expect(Math.max(...f64.confident)).toBeLessThan(1);
    });
  }

  if (recipe.precision === 'fast') {
    test.each(['winograd', 'gram'] as const)('%s is among its implementations', (optimization) => {
      const nodes = (without: Optimization[]) =>
        lowerForTest(trainGraph(programOf, recipe).graph, { precision: 'fast', without }).nodes.length;
      expect(nodes([optimization])).not.toBe(nodes([]));
    });

    test("float32 strays at most four times as far as PyTorch's own", async () => {
      const { states } = await train(stored);
      const strays = (state: ReadonlyMap<string, HostTensor>) =>
        [...truth].flatMap(([key, expected]) => {
          if (!key.startsWith('optim.momentum.')) return [];
          return [relativeError(numbers(state.get(key) as HostTensor), numbers(expected))];
        });
      const [ours, theirs] = [states[0], stored.under('f32')].map((state) => Math.hypot(...strays(state)));
      expect(ours).toBeGreaterThan(0);
      expect(ours).toBeLessThan(4 * theirs);
    });
  }
});
