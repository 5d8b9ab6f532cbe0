/** Consistency training: what flows where between labelled, weak and strong images, and what leaves no trace. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { buildBundle, programOf } from '../../../graphs/tasks';
import { consistencyLoss } from '../../../graphs/tasks/consistency';
import { gradGraph, trainGraph } from '../../../src/compile/step';
import { gradients } from '../../../src/autodiff/gradients';
import { parseRecipe } from '../../../graphs/recipes/load';
import type { Recipe, RecipeInput } from '../../../src/bundle/recipe';
import { Graph } from '../../../src/graph/graph';
import type { HostTensor } from '../../../src/tensors/dtype';
import { reduceSum } from '../../../src/ops/reduce';
import { expectSameBits } from '../../support/blocks';
import { runGraph, type Tensors } from '../../support/run';
import { numbersOf, randomTensor, tensorOf } from '../../support/tensors';
import { inTemporaryFolder } from '../../support/temporary';
import { scalarsAt, torchCase } from '../../support/torchCase';
import { userErrorOf } from '../../support/userError';

const stored = torchCase('finetune-consistency-average');
const { consistency } = stored.recipe;

/** Metrics, gradients and next statistics of the stored step, with changes. */
async function step(changes: { recipe?: Partial<Recipe>; batch?: Tensors } = {}): Promise<Tensors> {
  const { graph, contract } = gradGraph(programOf, { ...stored.recipe, ...changes.recipe });
  const given = new Map([
    ...stored.state,
    ...stored.batch,
    ...Object.entries({ ...scalarsAt(stored, 0), ...changes.batch }),
  ]);
  const feeds = contract.inputs.map(({ name }) => [name, given.get(name) as HostTensor]);
  return runGraph(graph, Object.fromEntries(feeds) as Tensors);
}

const select = (tensors: Tensors, name: RegExp): Tensors =>
  Object.fromEntries(Object.entries(tensors).filter(([key]) => name.test(key)));
const GRADIENTS = /^grad\./;
const STATISTICS = /^next\./;

/** The stored images with every pixel changed. */
const repainted = (name: string, change: (pixel: number, i: number) => number): HostTensor => {
  const { dtype, shape, data } = stored.batch.get(name) as HostTensor;
  return tensorOf(dtype, shape, Array.from(data as Uint8Array, change));
};
/** The weak images a little different: the same answers count. */
const nudged = repainted('unlabelled_weak', (pixel, i) => (i % 2 === 0 ? pixel ^ 1 : pixel));
const inverted = (name: string) => repainted(name, (pixel) => 255 - pixel);

test('no gradient flows through the weak pass', async () => {
  const { graph } = trainGraph(programOf, stored.recipe);
  const within = (scope: string) => graph.nodes.filter((node) => node.scope.startsWith(scope)).length;
  expect(within('/weak')).toBeGreaterThan(0);
  expect(within('/strong')).toBe(within('/weak'));
  expect(within('/grad/strong')).toBeGreaterThan(0);
  expect(within('/grad/weak')).toBe(0);

  const [plain, other] = [await step(), await step({ batch: { unlabelled_weak: nudged } })];
  // The weak images matter by their answers alone.
  expectSameBits(other, plain);
  const { consistency_loss } = await step({ batch: { unlabelled_weak: inverted('unlabelled_weak') } });
  expect(numbersOf(consistency_loss)).not.toEqual(numbersOf(plain.consistency_loss));
});

test('running statistics follow the labelled images alone', async () => {
  const statistics = select(await step(), STATISTICS);
  expect(Object.keys(statistics)).toContain('next.norm.running_mean');
  expect(Object.keys(statistics)).toContain('next.ema.norm.running_mean');
  const without = await step({ recipe: { consistency: { ...consistency, ratio: 0 } } });
  expectSameBits(select(without, STATISTICS), statistics);
  const batch = Object.fromEntries(
    ['unlabelled_weak', 'unlabelled_strong'].map((name) => [name, inverted(name)]),
  );
  const others = await step({ batch });
  expectSameBits(select(others, STATISTICS), statistics);
  expect(numbersOf(others.consistency_loss)).not.toEqual(numbersOf((await step()).consistency_loss));
  const labelled = await step({ batch: { images: inverted('images') } });
  expect(numbersOf(labelled['next.norm.running_mean'])).not.toEqual(
    numbersOf(statistics['next.norm.running_mean']),
  );
});

test('where no image is sure, a step is that of the labelled images', async () => {
  const unsure = await step({ recipe: { consistency: { ...consistency, threshold: 0.9999 } } });
  expect(numbersOf(unsure.confident)).toEqual([0]);
  expect(numbersOf(unsure.consistency_loss)).toEqual([0]);
  const supervised = await step({ recipe: { consistency: { ...consistency, ratio: 0 } } });
  expect(numbersOf(unsure.loss)).toEqual(numbersOf(supervised.loss));
  const names = Object.keys(select(supervised, GRADIENTS));
  expect(names.length).toBeGreaterThan(10);
  for (const name of names)
    expect(numbersOf(unsure[name]).map(Math.abs)).toEqual(numbersOf(supervised[name]).map(Math.abs));
});

test('an image below the threshold has no loss and no gradient, one above it that of its pseudo-label', async () => {
  const [images, classes, threshold] = [6, 5, 0.45];
  const graph = new Graph('consistency');
  const inputs = {
    weak: graph.input('weak', 'float64', [images, classes]),
    strong: graph.input('strong', 'float64', [images, classes]),
  };
  const result = consistencyLoss(inputs.weak, inputs.strong, { ...consistency, threshold });
  graph.output('loss', result.loss);
  graph.output('confident', result.confident);
  const [weakGradient, strongGradient] = gradients(reduceSum(result.loss), [inputs.weak, inputs.strong]);
  graph.output('weakGradient', weakGradient);
  graph.output('strongGradient', strongGradient);
  const feeds = {
    weak: randomTensor([images, classes], 'weak'),
    strong: randomTensor([images, classes], 'strong'),
  };
  const results = await runGraph(graph, feeds);

  const rows = (tensor: HostTensor) =>
    Array.from({ length: images }, (_, i) => numbersOf(tensor).slice(i * classes, (i + 1) * classes));
  const softmax = (row: number[]) => {
    const total = row.reduce((sum, x) => sum + Math.exp(x), 0);
    return row.map((x) => Math.exp(x) / total);
  };
  const [weak, strong] = [rows(feeds.weak).map(softmax), rows(feeds.strong).map(softmax)];
  const labels = weak.map((row) => row.indexOf(Math.max(...row)));
  const sure = weak.map((row) => Math.max(...row) >= threshold);
  expect(new Set(sure).size).toBe(2);
  expect(numbersOf(results.confident)).toEqual(sure.map(Number));
  expect(numbersOf(results.weakGradient)).toEqual(new Array(images * classes).fill(0));
  rows(results.strongGradient).forEach((row, i) => {
    const loss = numbersOf(results.loss)[i];
    if (!sure[i]) {
      expect(row.map(Math.abs)).toEqual(new Array(classes).fill(0));
      expect(Math.abs(loss)).toBe(0);
      return;
    }
    expect(loss).toBeCloseTo(-Math.log(strong[i][labels[i]]), 12);
    row.forEach((g, k) => expect(g).toBeCloseTo(strong[i][k] - Number(k === labels[i]), 12));
  });
});

const small: RecipeInput = {
  task: 'finetune',
  image: { size: 8 },
  network: { stages: [1, 1], width: 2 },
  batch: 2,
};

test('turned off it leaves no trace: the same bytes as without the sections', () =>
  inTemporaryFolder((folder) => {
    const files = (name: string, more: Partial<RecipeInput>) => {
      const { directory } = buildBundle('small', parseRecipe({ ...small, ...more }), path.join(folder, name));
      return readdirSync(directory)
        .sort()
        .map((file) => [file, readFileSync(path.join(directory, file)).toString('base64')]);
    };
    const graphs = (list: string[][]) => list.filter(([file]) => file !== 'manifest.json');
    const plain = files('plain', {});
    const off = {
      consistency: { ratio: 0 },
      regularize: { labelSmoothing: 0, mixup: 0 },
      average: { decay: 0 },
    };
    expect(files('off', off)).toEqual(plain);
    // What says how, without ratio, is in the manifest's recipe alone.
    expect(graphs(files('other', { consistency: { ratio: 0, weight: 3, threshold: 0.5 } }))).toEqual(
      graphs(plain),
    );
    expect(graphs(files('on', { consistency: { ratio: 1 } }))).not.toEqual(graphs(plain));
  }));

test('evaluation and inference take no unlabelled images', () =>
  inTemporaryFolder((folder) => {
    const recipe = parseRecipe({ ...small, consistency: { ratio: 3 }, network: { stages: [1], width: 2 } });
    const { graphs } = buildBundle('small', recipe, folder).manifest;
    const unlabelled = (name: keyof typeof graphs) =>
      graphs[name].inputs.flatMap((port) =>
        port.name.startsWith('unlabelled_') ? [[port.name, port.role, ...port.shape]] : [],
      );
    const ports = (...lead: (number | string)[]) =>
      ['unlabelled_weak', 'unlabelled_strong'].map((name) => [name, 'batch', ...lead, 8, 8, 3]);
    expect(unlabelled('train')).toEqual(ports(6));
    expect(unlabelled('grad')).toEqual(ports(6));
    expect(unlabelled('train-loop')).toEqual(ports('K', 6));
    for (const name of ['apply', 'eval', 'encoder'] as const) expect(unlabelled(name)).toEqual([]);
  }));

test.each<[Partial<RecipeInput>, string]>([
  [
    { regularize: { mixup: 0.2 }, consistency: { ratio: 7 } },
    'recipe: regularize.mixup is 0.2 and consistency.ratio is 7: turn one of them off',
  ],
  [
    { task: 'pretrain', consistency: { ratio: 7 } },
    'recipe: consistency.ratio is 7: that is for finetuning; leave it at 0',
  ],
  [
    { task: 'pretrain', regularize: { mixup: 0.2, labelSmoothing: 0.1 } },
    'recipe: regularize.labelSmoothing is 0.1: that is for finetuning; leave it at 0; ' +
      'regularize.mixup is 0.2: that is for finetuning; leave it at 0',
  ],
  [{ consistency: { ratio: 1.5 } }, 'recipe: consistency.ratio is 1.5: expected int, received number'],
  [
    { consistency: { threshold: 1 } },
    'recipe: consistency.threshold is 1: too big: expected number to be <1',
  ],
])('%j is refused', (more, message) => {
  expect(userErrorOf(() => parseRecipe({ task: 'finetune', ...more }))).toBe(message);
});
