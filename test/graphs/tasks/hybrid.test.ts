/** The hybrid classifier: takes encoder and attention pooling from a pretraining, and fits its positions to the map. */
import path from 'node:path';
import { buildBundle, programOf } from '../../../graphs/tasks';
import { encoderGraph, evalGraph } from '../../../src/compile/step';
import { readBundle } from '../../../src/bundle/read';
import { parseRecipe } from '../../../graphs/recipes/load';
import { readSafetensors } from '../../../src/tensors/safetensors';
import { initializeFrom } from '../../../src/training/initFrom';
import { runGraph } from '../../support/run';
import { inTemporaryFolder } from '../../support/temporary';
import { randomTensor } from '../../support/tensors';

const small = {
  image: { size: 16 },
  patch: { size: 4 },
  network: { stages: [1, 1], width: 4 },
  pooling: { layers: 2, heads: 4, feedForward: 8 },
  batch: 2,
};
const pretrain = parseRecipe({ ...small, task: 'pretrain' });
const hybrid = parseRecipe({
  ...small,
  task: 'finetune',
  network: { ...small.network, globalPool: 'attention' },
});

test('takes all of the pretraining but its positions', async () => {
  await inTemporaryFolder((folder) => {
    buildBundle('pretrain', pretrain, path.join(folder, 'p'));
    buildBundle('hybrid', hybrid, path.join(folder, 'h'));
    const bundle = readBundle(path.join(folder, 'h'));
    const { tensors } = readSafetensors(path.join(bundle.directory, bundle.manifest.initialState));
    const { report } = initializeFrom(path.join(folder, 'p', 'graph'), bundle.manifest, tensors, () => {});
    expect(Object.keys(report.loaded).sort()).toEqual(
      ['attention_pooling', 'layer1', 'layer2', 'norm-after-layer2', 'stem'].sort(),
    );
    expect(report.fresh).toEqual({
      fc: ['fc.weight', 'fc.bias'],
      map_position: ['map_position.row', 'map_position.column'],
    });
    expect(report.left).toEqual({ position: ['position.embedding'] });
  });
});

test.each([
  ['cifar', 19],
  ['cifar', 32],
  ['imagenet', 33],
  ['imagenet', 70],
] as const)('stem %s, images of %d pixels: any number of images', async (stem, size) => {
  const recipe = parseRecipe({
    ...small,
    task: 'finetune',
    image: { size },
    network: { ...small.network, stem, globalPool: 'attention' },
  });
  const { graph, contract } = encoderGraph(programOf, recipe);
  const images = {
    dtype: 'uint8',
    shape: [3, size, size, 3],
    data: new Uint8Array(3 * size * size * 3).fill(128),
  } as const;
  const state = contract.inputs.filter(({ role }) => role === 'state');
  const results = await runGraph(graph, {
    images,
    ...Object.fromEntries(
      state.map(({ name, shape }) => {
        const tensor = randomTensor(shape as number[], name, 'float32');
        return [name, { ...tensor, data: Float32Array.from(tensor.data as Float32Array, Math.abs) }];
      }),
    ),
  });
  expect(results.embedding.shape).toEqual([3, 32]);
  expect(results.logits.shape).toEqual([3, 10]);
  expect(Array.from(results.logits.data as Float32Array).every(Number.isFinite)).toBe(true);
});

const ofPatches = (size: number, kind: 'table' | 'rowColumn' = 'table') =>
  parseRecipe({
    ...small,
    task: 'finetune',
    image: { size },
    network: { ...small.network, globalPool: 'attention', tokens: 'patches' },
    position: { kind },
  });

test.each(['table', 'rowColumn'] as const)(
  'of patches with positions of kind %s: computes what pretraining makes of all patches, for any number of images',
  async (kind) => {
    const { graph, contract } = encoderGraph(programOf, ofPatches(16, kind));
    const trained = evalGraph(programOf, parseRecipe({ ...small, task: 'pretrain', position: { kind } }));
    const state = Object.fromEntries(
      [...contract.inputs, ...trained.contract.inputs]
        .filter(({ role }) => role === 'state')
        .map(({ name, shape }) => {
          const { data, ...tensor } = randomTensor(shape as number[], name, 'float32');
          return [name, { ...tensor, data: Float32Array.from(data as Float32Array, Math.abs) }];
        }),
    );
    const pixels = Uint8Array.from({ length: 2 * 16 * 16 * 3 }, (_, i) => (i * 37) % 251);
    const images = { dtype: 'uint8', shape: [2, 16, 16, 3], data: pixels } as const;
    const order = [...Array(16).keys()].map((i) => (i * 5 + 3) % 16);
    const fed = (names: readonly { name: string }[]) =>
      Object.fromEntries(names.filter(({ name }) => name in state).map(({ name }) => [name, state[name]]));
    const expected = await runGraph(trained.graph, {
      ...fed(trained.contract.inputs),
      images,
      patch_order: {
        dtype: 'int64',
        shape: [2, 16],
        data: BigInt64Array.from([...order, ...order.reverse()], BigInt),
      },
    });
    const results = await runGraph(graph, { ...fed(contract.inputs), images });
    const [found, wanted] = [results.embedding, expected.pooled].map(({ data }) => Array.from(data, Number));
    wanted.forEach((value, i) => expect(found[i]).toBeCloseTo(value, 4));

    const three = Uint8Array.of(...pixels, ...pixels.subarray(0, 768));
    const more = await runGraph(graph, {
      ...fed(contract.inputs),
      images: { ...images, shape: [3, 16, 16, 3], data: three },
    });
    expect(more.logits.shape).toEqual([3, 10]);
    expect(Array.from(more.embedding.data.slice(64), Number)).toEqual(
      Array.from(more.embedding.data.slice(0, 32), Number),
    );
  },
);

test('of patches: starts from all of the pretraining, positions too', async () => {
  await inTemporaryFolder((folder) => {
    buildBundle('pretrain', pretrain, path.join(folder, 'p'));
    buildBundle('hybrid', ofPatches(16), path.join(folder, 'h'));
    const bundle = readBundle(path.join(folder, 'h'));
    const { tensors } = readSafetensors(path.join(bundle.directory, bundle.manifest.initialState));
    const { report } = initializeFrom(path.join(folder, 'p', 'graph'), bundle.manifest, tensors, () => {});
    expect(Object.keys(report.loaded)).toContain('position');
    expect(report.fresh).toEqual({ fc: ['fc.weight', 'fc.bias'] });
    expect(report.left).toEqual({});
  });
});
