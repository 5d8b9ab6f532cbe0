/** From recipe and batch to a graph's inputs, and from its outputs to numbers. */
import { recipeSchema, type RecipeInput } from '../../src/bundle/recipe';
import type { GraphContract, Manifest, Port } from '../../src/bundle/manifest';
import {
  batchFeeds,
  batchOptions,
  type FedBatch,
  metricRecords,
  scalarFeeds,
} from '../../src/evaluation/feeds';

const port = (name: string, role: Port['role'], dtype: Port['dtype'], shape: Port['shape']): Port => ({
  name,
  role,
  dtype,
  shape,
});
const contract = (inputs: Port[], outputs: Port[] = []): GraphContract => ({
  file: 'x.onnx',
  inputs,
  outputs,
});
const images = port('images', 'batch', 'uint8', [2, 2, 2, 1]);
const labels = port('labels', 'batch', 'int64', [2]);
const order = port('patch_order', 'batch', 'int64', [2, 16]);

describe('what a bundle wants of every batch', () => {
  const of = (recipe: RecipeInput, train: Port[], evaluate: Port[]) =>
    ({
      recipe: recipeSchema.parse(recipe),
      graphs: { train: contract(train), eval: contract(evaluate) },
    }) as unknown as Manifest;
  const augment = { pad: 1, flip: false, cropScale: 0.5, randAugment: 1, magnitude: 0.5, cutout: 0.25 };

  test('pretraining: patch orders of the recipe’s mask, augmented in training alone', () => {
    const patch = { size: 8, hidden: 0.5, mask: 'rows' } as const;
    const manifest = of({ task: 'pretrain', batch: 7, patch, augment }, [images, order], [images, order]);
    const { image } = manifest.recipe;
    const common = {
      batch: 7,
      image,
      labels: undefined,
      patchOrder: { grid: { rows: 4, columns: 4 }, hidden: 8, mask: 'rows' },
    };
    expect(batchOptions(manifest, 'train')).toEqual({ ...common, mode: 'train', augment });
    expect(batchOptions(manifest, 'evaluate')).toEqual({ ...common, mode: 'evaluate', augment: null });
  });

  test('a classifier: labels of so many classes; each graph is asked for its own inputs', () => {
    const manifest = of({ task: 'finetune', network: { classes: 5 } }, [images, labels], [images]);
    expect(batchOptions(manifest, 'train')).toMatchObject({ labels: { classes: 5 }, patchOrder: undefined });
    expect(batchOptions(manifest, 'evaluate').labels).toBeUndefined();
    // a scalar of that name is none of the batch's
    const scalar = of({ task: 'finetune' }, [images, port('labels', 'hyper', 'int64', [])], []);
    expect(batchOptions(scalar, 'train').labels).toBeUndefined();
  });
});

const batchOf = (pixels: Uint8Array, label: bigint): FedBatch => ({
  step: 0,
  epoch: 0,
  indices: Int32Array.of(0, 1),
  images: pixels,
  labels: BigInt64Array.of(label, label + 1n),
});
const memory = Uint8Array.from({ length: 24 }, (_, i) => i);
const parts = [0, 1, 2].map((i) => batchOf(memory.subarray(8 * i, 8 * i + 8), BigInt(10 * i)));

test('one batch is fed as it lies in memory', () => {
  const feeds = new Map(
    batchFeeds(contract([images, labels, port('x', 'state', 'float32', [])]), [parts[1]], false),
  );
  expect([...feeds.keys()]).toEqual(['images', 'labels']);
  expect(feeds.get('images')).toMatchObject({ dtype: 'uint8', shape: [2, 2, 2, 1] });
  expect(feeds.get('images')?.data).toBe(parts[1].images);
  const open = port('images', 'batch', 'uint8', ['batch', 2, 2, 1]);
  expect(batchFeeds(contract([open]), [parts[0]], false)[0][1].shape).toEqual([2, 2, 2, 1]);
});

test('several are stacked: the very memory where they follow one another, a copy in order where not', () => {
  const loop = contract([images, labels].map((each) => ({ ...each, shape: ['K', ...each.shape] })));
  const stacked = (batches: FedBatch[]) => new Map(batchFeeds(loop, batches, true));
  const following = stacked([parts[1], parts[2]]).get('images');
  expect(following?.shape).toEqual([2, 2, 2, 2, 1]);
  expect(following?.data.buffer).toBe(memory.buffer);
  expect([...(following?.data as Uint8Array)]).toEqual([...memory.subarray(8, 24)]);
  const turned = stacked([parts[2], parts[0]]);
  expect(turned.get('images')?.data.buffer).not.toBe(memory.buffer);
  expect([...(turned.get('images')?.data as Uint8Array)]).toEqual([
    ...memory.subarray(16),
    ...memory.subarray(0, 8),
  ]);
  expect(turned.get('labels')).toMatchObject({ shape: [2, 2], data: BigInt64Array.of(20n, 21n, 0n, 1n) });
});

test('what the loader or the trainer has nothing for', () => {
  const strange = contract([port('sound', 'batch', 'uint8', [2]), port('heat', 'hyper', 'float32', [])]);
  expect(() => batchFeeds(strange, [parts[0]], false)).toThrow('nothing for the batch input sound');
  expect(() => batchFeeds(contract([order]), [parts[0]], false)).toThrow(
    'nothing for the batch input patch_order',
  );
  expect(() => scalarFeeds(strange, { rate: [1] }, false)).toThrow('nothing for the input heat');
  const open = contract([port('images', 'batch', 'uint8', [2, 'side'])]);
  expect(() => batchFeeds(open, [parts[0]], false)).toThrow('input images has the open size side');
});

test('scalars have their dtype, and an axis over the steps of a loop', () => {
  const scalars = contract([
    port('dropout_seed', 'random', 'int64', []),
    port('learning_rate', 'hyper', 'float32', []),
    port('optim.step', 'state', 'float32', []),
  ]);
  const values = { learning_rate: [0.5, 0.25], dropout_seed: [2 ** 31 - 1, 7] };
  expect(scalarFeeds(scalars, values, true)).toEqual([
    ['dropout_seed', { dtype: 'int64', shape: [2], data: BigInt64Array.of(2147483647n, 7n) }],
    ['learning_rate', { dtype: 'float32', shape: [2], data: Float32Array.of(0.5, 0.25) }],
  ]);
  const one = { learning_rate: [0.5], dropout_seed: [7] };
  expect(scalarFeeds(scalars, one, false).map(([, { shape }]) => shape)).toEqual([[], []]);
});

test('metrics become a record a step, NaN where the graph gave none', () => {
  const outputs = ['loss', 'accuracy'].map((name) => port(name, 'metric', 'float32', ['K']));
  const given = contract([], [...outputs, port('next.x', 'state', 'float32', [])]);
  const loss = { dtype: 'float32', shape: [2], data: Float32Array.of(4, 3) } as const;
  expect(metricRecords(given, new Map([['loss', loss]]), 2)).toEqual([
    { loss: 4, accuracy: NaN },
    { loss: 3, accuracy: NaN },
  ]);
});
