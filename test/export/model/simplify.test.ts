/** Rewrites of exported models: the same results with fewer operations, and the same bytes every time. */
import path from 'node:path';
import { encoderGraph } from '../../../src/compile/step';
import { programOf } from '../../../graphs/tasks';
import { recipeSchema, type RecipeInput } from '../../../src/bundle/recipe';
import { Random } from '../../../src/base/random';
import { embedState } from '../../../src/export/model/bakeWeights';
import { DEFAULT_FORM } from '../../../src/export/form';
import { REWRITE_NAMES, type RewriteName } from '../../../src/export/model/simplify';
import { emitGraph, toModel } from '../../../src/graph/emit';
import { Graph } from '../../../src/graph/graph';
import { lower } from '../../../src/lowering/lower';
import { Context } from '../../../src/nn/context';
import { RunningStatistic } from '../../../src/nn/state';
import type { HostTensor } from '../../../src/tensors/dtype';
import { encodeModel } from '../../../src/onnx/encode';
import { writeModel } from '../../../src/onnx/files';
import type { OnnxModel } from '../../../src/onnx/model';
import { optimize } from '../../../src/passes';
import { createSession } from '../../../src/runtime/session';
import { inTemporaryFolder } from '../../support/temporary';
import { expectClose, randomTensor } from '../../support/tensors';

type Network = NonNullable<RecipeInput['network']>;

const SIZE = 20; // odd maps behind the strides: 5 x 5 and 3 x 3

/** An encoder's graph and a state of which nothing is 0 or 1. */
function encoder(network: Network) {
  const recipe = recipeSchema.parse({
    task: 'finetune',
    image: { size: SIZE },
    network: { stages: [2, 1], width: 4, classes: 3, ...network },
  });
  const { graph } = encoderGraph(programOf, recipe);
  const model = toModel(emitGraph(optimize(lower(graph, { provider: 'cpu', precision: 'fast' }))), {});
  const context = new Context(new Graph('names'), { training: true });
  context.bind(programOf(recipe).modules);
  const state = new Map(
    context.bound.map(({ name, state: { shape }, state }): [string, HostTensor] => {
      const tensor = randomTensor(shape, name, 'float32');
      const positive = state instanceof RunningStatistic && name.endsWith('running_var');
      const data = (tensor.data as Float32Array).map((v) => (positive ? 0.2 + v * v : 0.5 * v));
      return [name, { ...tensor, data }];
    }),
  );
  const embed = (without: readonly RewriteName[]) => {
    const form = { ...DEFAULT_FORM, kind: 'encoder', input: 'uint8' } as const;
    return embedState({ model, state, image: recipe.image }, form, { without });
  };
  return { embed };
}

/** How often each operator occurs. */
function histogram({ graph }: OnnxModel): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { opType } of graph.nodes) counts[opType] = (counts[opType] ?? 0) + 1;
  return counts;
}

async function embeddingOf(model: OnnxModel): Promise<HostTensor> {
  const random = new Random(0, 'simplify');
  const shape = [3, SIZE, SIZE, 3];
  const data = Uint8Array.from({ length: 3 * SIZE * SIZE * 3 }, () => random.integer(256));
  let embedding: HostTensor | undefined;
  await inTemporaryFolder(async (folder) => {
    const file = path.join(folder, 'model.onnx');
    writeModel(file, model);
    const session = await createSession(file, { provider: 'cpu', threads: 1 });
    embedding = (await session.run(new Map([['image', { dtype: 'uint8', shape, data }]]))).get('embedding');
    await session.release();
  });
  if (!embedding) throw new Error('no embedding');
  return embedding;
}

const NETWORKS: readonly Network[] = (['v1', 'v2'] as const).flatMap((version) =>
  (['cifar', 'imagenet'] as const).map((stem) => ({ version, stem })),
);

describe.each(NETWORKS)('$version with the $stem stem', (network) => {
  const { embed } = encoder(network);

  test('all rewrites, and all but one, keep the embedding', async () => {
    const expected = await embeddingOf(embed(REWRITE_NAMES));
    expectClose(await embeddingOf(embed([])), expected, 1e-5);
    for (const one of REWRITE_NAMES) {
      const model = embed([one]);
      expect(histogram(model)).not.toEqual(histogram(embed([])));
      expectClose(await embeddingOf(model), expected, 1e-5);
    }
  });

  test('the same weights give the same bytes', () => {
    expect(Buffer.compare(encodeModel(embed([])), encodeModel(embed([])))).toBe(0);
  });
});

test('v1 keeps no batch norm, v2 those that read the residual stream', () => {
  // 3 blocks: 9 convolutions, 2 projected shortcuts, the stem
  const v1 = encoder({ version: 'v1' });
  expect(histogram(v1.embed(REWRITE_NAMES))).toMatchObject({ Conv: 12, BatchNormalization: 12 });
  expect(histogram(v1.embed([]))).toEqual({
    Transpose: 1,
    Cast: 1,
    Add: 2, // the offset of the images, the block without a projection
    Conv: 10,
    Relu: 10,
    MaxPool: 1, // the strided projection picks its pixels
    Concat: 2,
    GlobalAveragePool: 1,
    Flatten: 1,
  });
  // first norm of each block and the last one, but the very first, which follows the stem
  const v2 = encoder({ version: 'v2' });
  expect(histogram(v2.embed(REWRITE_NAMES))).toMatchObject({ Conv: 12, BatchNormalization: 10 });
  expect(histogram(v2.embed([]))).toMatchObject({ Conv: 10, BatchNormalization: 3, Concat: 2 });
});

test('with the imagenet stem the pool keeps the norm behind it, which reads the stem through it', () => {
  const { embed } = encoder({ version: 'v2', stem: 'imagenet' });
  expect(histogram(embed([]))).toMatchObject({ BatchNormalization: 4, MaxPool: 2 });
});

test('what is unused is gone, what is changed has a name of its own', () => {
  const names = encoder({ version: 'v2' })
    .embed([])
    .graph.initializers.map(({ name }) => name);
  expect(names).toEqual(expect.arrayContaining(['layer1.1.conv3.weight', 'conv1.scaled.weight']));
  expect(names).toEqual(
    expect.arrayContaining(['layer1.1.conv1.folded.weight', 'layer1.1.conv1.folded.bias']),
  );
  expect(names).toContain('layer2.0.conv3.merged.weight');
  expect(names).not.toContain('layer1.1.bn2.weight');
  expect(names).not.toContain('layer1.1.conv1.weight');
  expect(new Set(names).size).toBe(names.length);
});
