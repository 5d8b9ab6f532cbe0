/** Ten training steps of tiny networks against PyTorch's stored numbers (tools/reference/step_fixtures.py). */
import { readdirSync, readFileSync } from 'node:fs';
import { recipeSchema, type Recipe } from '../../src/bundle/recipe';
import { readSafetensors } from '../../src/export/safetensors';
import type { DType, HostTensor } from '../../src/onnx/dtype';
import type { StepGraph } from '../../graphs/ports';
import { encoderGraph, evalGraph, trainGraph } from '../../graphs/step';
import type { Optimization } from '../../src/lowering/optimizations';
import { fixture } from '../support/paths';
import { lowerForTest, openGraph, runGraph } from '../support/run';

interface Fixture {
  readonly recipe: unknown;
  readonly learningRates: number[];
  readonly f64: { readonly loss: number[]; readonly accuracy: number[] };
}

const numbers = ({ data }: HostTensor) => Float64Array.from(data as Float32Array);
const norm = (x: Float64Array) => Math.hypot(...x);
/** |a - b| / |b|, or |a| where b is zero. */
const relativeError = (a: Float64Array, b: Float64Array): number =>
  norm(a.map((v, i) => v - b[i])) / (norm(b) || 1);

/** The tensors whose names start with `<prefix>/`, by the rest of their name. */
const under = (tensors: ReadonlyMap<string, HostTensor>, prefix: string) =>
  new Map(
    [...tensors].flatMap(([name, tensor]) =>
      name.startsWith(`${prefix}/`) ? [[name.slice(prefix.length + 1), tensor] as const] : [],
    ),
  );

const convert = ({ shape, data }: HostTensor, dtype: DType): HostTensor => ({
  dtype,
  shape,
  data:
    dtype === 'float64' ? Float64Array.from(data as Float32Array) : Float32Array.from(data as Float32Array),
});

/** Runs the step `rates.length` times, feeding each next state back; returns the losses and the state after each step. */
async function train(
  step: StepGraph,
  state: Map<string, HostTensor>,
  batch: Map<string, HostTensor>,
  rates: number[],
  precision: Recipe['precision'],
) {
  const open = await openGraph(step.graph, { precision });
  const losses: number[] = [];
  const states: Map<string, HostTensor>[] = [];
  try {
    for (const rate of rates) {
      const learning_rate: HostTensor = { dtype: 'float32', shape: [], data: Float32Array.of(rate) };
      const results = await open.run({
        ...Object.fromEntries(batch),
        ...Object.fromEntries(state),
        learning_rate,
      });
      losses.push(Number(results.loss.data[0]));
      state = new Map(state);
      for (const port of step.contract.outputs) {
        if (port.replaces !== undefined) state.set(port.replaces, results[port.name]);
      }
      states.push(state);
    }
  } finally {
    await open.release();
  }
  return { losses, states };
}

const cases = readdirSync(fixture('torch')).flatMap((file) => {
  const name = file.replace(/\.json$/, '');
  return file.endsWith('.json') && /^(pretrain|finetune)/.test(name) ? [name] : [];
});

test('there are stored cases of both tasks and both network versions', () => {
  expect(cases).toEqual(expect.arrayContaining(['pretrain-v1', 'pretrain-v2', 'finetune-v1', 'finetune-v2']));
});

describe.each(cases)('%s', (name) => {
  const {
    recipe: input,
    learningRates,
    f64,
  } = JSON.parse(readFileSync(fixture('torch', `${name}.json`), 'utf8')) as Fixture;
  const recipe = recipeSchema.parse(input);
  const { tensors } = readSafetensors(fixture('torch', `${name}.safetensors`));
  const initial = under(tensors, 'initial');
  const batch = under(tensors, 'batch');
  const truth = under(tensors, 'f64');

  test('loss within 1e-5, updated state within 1e-4 of its norm, loss of step 10 within 1e-3', async () => {
    const { losses, states } = await train(
      trainGraph(recipe),
      initial,
      batch,
      learningRates,
      recipe.precision,
    );
    expect(Math.abs(losses[0] / f64.loss[0] - 1)).toBeLessThan(1e-5);
    expect([...states[0].keys()].sort()).toEqual([...truth.keys()].sort());
    const errors = [...truth].map(([key, expected]): [string, number] => [
      key,
      relativeError(numbers(states[0].get(key) as HostTensor), numbers(expected)),
    ]);
    expect(errors.filter(([, error]) => !(error < 1e-4))).toEqual([]);
    expect(Math.abs(losses[9] / f64.loss[9] - 1)).toBeLessThan(1e-3);
  });

  test('evaluation and inference agree on the initial state', async () => {
    const expected = under(tensors, 'eval');
    const fed = (graph: StepGraph) =>
      Object.fromEntries(
        graph.contract.inputs.map((port) => [
          port.name,
          (initial.get(port.name) ?? batch.get(port.name)) as HostTensor,
        ]),
      );
    const evaluation = evalGraph(recipe);
    const results = await runGraph(evaluation.graph, fed(evaluation));
    const encoder = encoderGraph(recipe);
    const inferred = await runGraph(encoder.graph, fed(encoder));
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
      const wide = new Map([...initial].map(([key, tensor]) => [key, convert(tensor, 'float64')]));
      const { losses } = await train(
        trainGraph(recipe, 'float64'),
        wide,
        batch,
        learningRates,
        recipe.precision,
      );
      losses.forEach((loss, i) => expect(Math.abs(loss / f64.loss[i] - 1)).toBeLessThan(1e-10));
    });
  }

  if (recipe.precision === 'fast') {
    test.each(['winograd', 'gram'] as const)('%s is among its spellings', (optimization) => {
      const nodes = (without: Optimization[]) =>
        lowerForTest(trainGraph(recipe).graph, { precision: 'fast', without }).nodes.length;
      expect(nodes([optimization])).not.toBe(nodes([]));
    });

    test("float32 strays at most four times as far as PyTorch's own", async () => {
      const { states } = await train(trainGraph(recipe), initial, batch, learningRates, 'fast');
      const strays = (state: ReadonlyMap<string, HostTensor>) =>
        [...truth].flatMap(([key, expected]) => {
          if (!key.startsWith('optim.momentum.')) return [];
          return [relativeError(numbers(state.get(key) as HostTensor), numbers(expected))];
        });
      const [ours, theirs] = [states[0], under(tensors, 'f32')].map((state) => Math.hypot(...strays(state)));
      expect(ours).toBeGreaterThan(0);
      expect(ours).toBeLessThan(4 * theirs);
    });
  }
});
