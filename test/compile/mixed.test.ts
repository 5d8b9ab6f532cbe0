/** Mixed precision in whole training steps: losses near float32's, skipped steps, the loss scale, the step cut in two. */
import { readFileSync } from 'node:fs';
import { programOf } from '../../graphs/tasks';
import { applyGraph, gradGraph, trainGraph } from '../../src/compile/step';
import type { StepGraph } from '../../src/compile/ports';
import { recipeSchema, type Recipe, type RecipeInput } from '../../src/bundle/recipe';
import { readSafetensors } from '../../src/tensors/safetensors';
import type { HostTensor } from '../../src/tensors/dtype';
import { fixture } from '../support/paths';
import { openGraph, type Tensors } from '../support/run';
import { numbersOf, relativeDistance } from '../support/tensors';

const scalar = (x: number): HostTensor => ({ dtype: 'float32', shape: [], data: Float32Array.of(x) });

/** A stored case's recipe with changes, its batch and its initial state. */
function stored(name: string, changes: Partial<RecipeInput>) {
  const file = fixture('torch', `${name}.json`);
  const { recipe: input } = JSON.parse(readFileSync(file, 'utf8')) as { recipe: RecipeInput };
  const recipe = recipeSchema.parse({ ...input, ...changes });
  const { tensors } = readSafetensors(fixture('torch', `${name}.safetensors`));
  const under = (prefix: string): Tensors =>
    Object.fromEntries(
      [...tensors].flatMap(([key, tensor]) =>
        key.startsWith(`${prefix}/`) ? [[key.slice(prefix.length + 1), tensor]] : [],
      ),
    );
  const mixed = recipe.compute === 'float16';
  const scaling = mixed && {
    'optim.loss_scale': scalar(recipe.lossScale.initial),
    'optim.good_steps': scalar(0),
  };
  return { recipe, batch: under('batch'), state: { ...under('initial'), ...scaling } as Tensors };
}

/** The state after a run: outputs take the place of the inputs that they replace. */
const moved = (step: StepGraph, state: Tensors, results: Tensors): Tensors => ({
  ...state,
  ...Object.fromEntries(
    step.contract.outputs.flatMap(({ name, replaces }) => (replaces ? [[replaces, results[name]]] : [])),
  ),
});

/** Runs `count` training steps on one batch; metrics and state after each. */
async function train(
  { recipe, batch, state }: { recipe: Recipe; batch: Tensors; state: Tensors },
  count: number,
  rate = 0.05,
) {
  const step = trainGraph(programOf, recipe);
  const open = await openGraph(step.graph);
  const after: { loss: number; skipped: number; scale: number; good: number; state: Tensors }[] = [];
  try {
    for (let i = 0; i < count; i++) {
      const results = await open.run({ ...batch, ...state, learning_rate: scalar(rate) });
      state = moved(step, state, results);
      const number = (tensor: HostTensor | undefined) => Number(tensor?.data[0]);
      after.push({
        loss: number(results.loss),
        skipped: number(results.skipped),
        scale: number(state['optim.loss_scale']),
        good: number(state['optim.good_steps']),
        state,
      });
    }
  } finally {
    await open.release();
  }
  return after;
}

const mixed = (name: string, lossScale: RecipeInput['lossScale'] = {}) =>
  stored(name, { compute: 'float16', lossScale });

test.each(['finetune-v1', 'finetune-v2', 'pretrain-adamw'])(
  '%s: 20 steps follow the float32 losses',
  async (name) => {
    const wide = await train(stored(name, {}), 20, 0.01);
    const half = await train(mixed(name, { initial: 1024 }), 20, 0.01);
    expect(half.map(({ skipped }) => skipped)).toEqual(new Array(20).fill(0));
    expect(wide[19].loss).toBeLessThan(0.95 * wide[0].loss);
    // beside the first loss: the last one is a tenth of it, and its own relative rounding ten times as large
    half.forEach(({ loss }, i) => expect(Math.abs(loss - wide[i].loss) / wide[0].loss).toBeLessThan(0.01));
    // it is another precision
    expect(half[0].loss).not.toBe(wide[0].loss);
  },
);

test('what is not a product stays out of float16: every input, output and norm', () => {
  const { graph, contract } = trainGraph(programOf, mixed('pretrain-v2').recipe);
  const ports = [...graph.inputs, ...graph.outputs.map(({ value }) => value)];
  expect(new Set(ports.map(({ dtype }) => dtype))).toEqual(new Set(['float32', 'int64', 'uint8']));
  expect([...contract.inputs, ...contract.outputs].map(({ dtype }) => dtype)).not.toContain('float16');
  const kinds = (dtype: string) =>
    new Set(graph.nodes.filter(({ outputs }) => outputs[0].dtype === dtype).map(({ op }) => op.type));
  expect([...kinds('float32')]).toEqual(expect.arrayContaining(['BatchNorm', 'LayerNorm', 'Softmax']));
  for (const product of ['Conv2d', 'Conv2dInputGradient', 'Conv2dWeightGradient', 'MatMul', 'Gemm']) {
    expect(kinds('float32')).not.toContain(product);
    expect(kinds('float16')).toContain(product);
  }
  expect(
    graph.nodes.filter(({ scope }) => scope.startsWith('/optim')).map(({ outputs }) => outputs[0].dtype),
  ).not.toContain('float16');
});

test('an overflow skips the step: every bit of the state stays, the scale halves', async () => {
  const start = mixed('pretrain-adamw', { initial: 2 ** 40 });
  const [first, second] = await train(start, 2);
  expect([first.skipped, second.skipped]).toEqual([1, 1]);
  expect([first.scale, second.scale]).toEqual([2 ** 39, 2 ** 38]);
  for (const [name, { data }] of Object.entries(start.state)) {
    if (name === 'optim.loss_scale') continue;
    expect(
      Buffer.compare(Buffer.from(second.state[name].data.buffer), Buffer.from(data.slice().buffer)),
    ).toBe(0);
  }
  expect(second.loss).toBe(first.loss);
});

test('after overflows it finds a scale that works and trains', async () => {
  const after = await train(mixed('finetune-v2', { initial: 2 ** 30, backoffFactor: 2 ** -6 }), 12, 0.01);
  const skipped = after.map((step) => step.skipped);
  expect(skipped[0]).toBe(1);
  expect(skipped.slice(-4)).toEqual([0, 0, 0, 0]);
  expect(after[11].loss).toBeLessThan(after[0].loss);
  // the optimizer counts only steps that were done
  const start = mixed('pretrain-adamw', { initial: 2 ** 30, backoffFactor: 2 ** -8 });
  const adam = await train(start, 6, 0.001);
  const done = adam.filter((step) => step.skipped === 0).length;
  expect(done).toBeGreaterThan(0);
  expect(done).toBeLessThan(6);
  expect(numbersOf(adam[5].state['optim.step'])).toEqual([done + numbersOf(start.state['optim.step'])[0]]);
});

test('the scale grows after N good steps, and counts anew', async () => {
  const after = await train(
    mixed('finetune-v1', { initial: 64, growthInterval: 3, growthFactor: 4 }),
    7,
    0.01,
  );
  expect(after.map(({ scale }) => scale)).toEqual([64, 64, 256, 256, 256, 1024, 1024]);
  expect(after.map(({ good }) => good)).toEqual([1, 2, 0, 1, 2, 0, 1]);
});

describe('the step cut in two', () => {
  async function halves({ recipe, batch, state }: ReturnType<typeof stored>) {
    const [grad, apply] = [gradGraph(programOf, recipe), applyGraph(programOf, recipe)];
    const [first, second] = [await openGraph(grad.graph), await openGraph(apply.graph)];
    const pick = (step: StepGraph, from: Tensors) =>
      Object.fromEntries(step.contract.inputs.map(({ name }) => [name, from[name]]));
    try {
      const gradients = await first.run(pick(grad, { ...batch, ...state }));
      const between = moved(grad, state, gradients);
      const feeds = { ...between, ...gradients, learning_rate: scalar(0.05) };
      const results = await second.run(pick(apply, feeds));
      return { state: moved(apply, between, results), skipped: Number(results.skipped.data[0]) };
    } finally {
      await Promise.all([first.release(), second.release()]);
    }
  }

  test('is the whole step', async () => {
    const start = mixed('finetune-v2', { initial: 256 });
    const [whole] = await train(start, 1);
    const cut = await halves(start);
    expect([cut.skipped, whole.skipped]).toEqual([0, 0]);
    expect(Object.keys(cut.state).sort()).toEqual(Object.keys(whole.state).sort());
    for (const [name, tensor] of Object.entries(whole.state)) {
      expect(relativeDistance(numbersOf(cut.state[name]), numbersOf(tensor))).toBeLessThan(1e-6);
    }
  });

  test('skips as the whole step does, running statistics too', async () => {
    const start = mixed('finetune-v2', { initial: 2 ** 40 });
    const cut = await halves(start);
    expect(cut.skipped).toBe(1);
    for (const [name, tensor] of Object.entries(start.state)) {
      expect(numbersOf(cut.state[name])).toEqual(name === 'optim.loss_scale' ? [2 ** 39] : numbersOf(tensor));
    }
  });
});
