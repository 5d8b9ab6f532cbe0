/** The hybrid classifier: takes encoder and attention pooling from a pretraining, and fits its positions to the map. */
import path from 'node:path';
import { buildBundle } from '../../graphs/bundle';
import { encoderGraph } from '../../graphs/step';
import { readBundle } from '../../src/bundle/read';
import { parseRecipe } from '../../src/bundle/loadRecipe';
import { readSafetensors } from '../../src/export/safetensors';
import { initializeFrom } from '../../src/training/initFrom';
import { runGraph } from '../support/run';
import { inTemporaryFolder } from '../support/temporary';
import { randomTensor } from '../support/tensors';

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
  const { graph, contract } = encoderGraph(recipe);
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
