/** Moving averages: where they start, what follows them, and what a skipped step does to them. */
import path from 'node:path';
import { buildBundle, programOf } from '../../graphs/tasks';
import { encoderGraph, evalGraph, trainGraph } from '../../src/compile/step';
import { parseRecipe } from '../../graphs/recipes/load';
import type { RecipeInput } from '../../src/bundle/recipe';
import { readSafetensors } from '../../src/tensors/safetensors';
import type { HostTensor } from '../../src/tensors/dtype';
import { runGraph, type Tensors } from '../support/run';
import { numbersOf, relativeDistance } from '../support/tensors';
import { inTemporaryFolder } from '../support/temporary';
import { scalarsAt, torchCase } from '../support/torchCase';

const tasks: readonly RecipeInput[] = [
  { task: 'finetune', image: { size: 8 }, network: { stages: [1], width: 2 }, batch: 2 },
  {
    task: 'pretrain',
    image: { size: 16 },
    patch: { size: 4 },
    network: { stages: [1], width: 2 },
    pooling: { layers: 1, heads: 2, feedForward: 8 },
    batch: 2,
  },
];

describe.each(tasks)('$task', (input) => {
  const recipe = parseRecipe({ ...input, average: { decay: 0.99 } });

  test('evaluation and inference take the averages in place of the state, training has both', () => {
    const states = ({ contract }: ReturnType<typeof trainGraph>) =>
      contract.inputs.flatMap(({ name, role }) => (role === 'state' ? [name] : []));
    const training = states(trainGraph(programOf, recipe));
    const averages = training.filter((name) => name.startsWith('ema.'));
    const own = training.filter((name) => !/^(ema|optim)\./.test(name));
    expect(averages.map((name) => name.slice(4)).sort()).toEqual([...own].sort());
    for (const graph of [evalGraph, encoderGraph]) {
      const plain = parseRecipe({ ...input, average: { decay: 0 } });
      expect(states(graph(programOf, recipe))).toEqual(
        states(graph(programOf, plain)).map((name) => `ema.${name}`),
      );
    }
  });

  test('an average starts where its tensor does', () =>
    inTemporaryFolder((folder) => {
      const { directory, manifest } = buildBundle('small', recipe, folder);
      const { tensors } = readSafetensors(path.join(directory, manifest.initialState));
      const averages = manifest.state.filter(({ kind }) => kind === 'average');
      expect(averages.length).toBeGreaterThan(0);
      for (const { name } of averages) expect(tensors.get(name)).toEqual(tensors.get(name.slice(4)));
    }));
});

test.each(['finetune-mixup-smoothing-average', 'finetune-consistency-average'])(
  '%s: a step that float16 skips leaves the weights, and their averages go on towards them',
  async (name) => {
    const stored = torchCase(name, { compute: 'float16' });
    const scalar = (x: number): HostTensor => ({ dtype: 'float32', shape: [], data: Float32Array.of(x) });
    const decay = stored.scalars.average_decay[0];
    const state: Tensors = {
      ...Object.fromEntries(stored.state),
      'optim.good_steps': scalar(0),
      'optim.loss_scale': scalar(2 ** 40),
    };
    const { graph } = trainGraph(programOf, stored.recipe);
    const results = await runGraph(graph, {
      ...Object.fromEntries(stored.batch),
      ...state,
      ...scalarsAt(stored, 0),
    });
    expect(numbersOf(results.skipped)).toEqual([1]);
    expect(Math.abs(Number(results.loss.data[0]) / stored.f64.loss[0] - 1)).toBeLessThan(0.01);
    for (const [key, tensor] of stored.state) {
      const next = numbersOf(results[`next.${key}`]);
      if (!key.startsWith('ema.')) {
        expect(next).toEqual(numbersOf(tensor));
        continue;
      }
      const weight = numbersOf(state[key.slice(4)]);
      const expected = numbersOf(tensor).map((a, i) => decay * a + (1 - decay) * weight[i]);
      expect(relativeDistance(next, expected)).toBeLessThan(1e-6);
    }
  },
);
