/** Recomputation: less memory, the same bits, and copies that no optimizer merges again. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import * as ort from 'onnxruntime-node';
import { programOf } from '../../graphs/tasks';
import { trainGraph } from '../../src/compile/step';
import { recipeSchema, type RecipeInput } from '../../src/bundle/recipe';
import { readSafetensors } from '../../src/tensors/safetensors';
import { emitGraph, toModel } from '../../src/graph/emit';
import { Graph } from '../../src/graph/graph';
import type { HostTensor } from '../../src/tensors/dtype';
import { encodeModel } from '../../src/onnx/encode';
import { readModel } from '../../src/onnx/files';
import { relu } from '../../src/ops/activation';
import { add, mul } from '../../src/ops/elementwise';
import { optimize } from '../../src/passes';
import { mergeCommonSubexpressions } from '../../src/passes/commonSubexpressions';
import { peakBytes } from '../../src/passes/cost';
import { recompute } from '../../src/passes/recompute';
import { BLOCKS, blocks, expectSameBits, feeds } from '../support/blocks';
import { fixture } from '../support/paths';
import { lowerForTest, runLowered, type Tensors } from '../support/run';
import { inTemporaryFolder } from '../support/temporary';

const count = (types: readonly string[], type: string) => types.filter((t) => t === type).length;
const typesOf = (graph: Graph) => graph.nodes.map(({ op }) => op.type);

test('activations and windows are made twice, with the same bits in less memory', async () => {
  const kept = blocks(true);
  const twice = recompute(kept, 'all');
  expect(count(typesOf(twice), 'Relu')).toBe(2 * count(typesOf(kept), 'Relu'));
  expect(peakBytes(twice)).toBeLessThan(0.6 * peakBytes(kept));
  expectSameBits(await runLowered(twice, feeds), await runLowered(kept, feeds));
  const windows = recompute(kept, 'windows');
  expect(count(typesOf(windows), 'Relu')).toBe(count(typesOf(kept), 'Relu'));
  expect(count(typesOf(windows), 'Gather')).toBeGreaterThan(count(typesOf(kept), 'Gather'));
  expect(peakBytes(windows)).toBeLessThan(0.95 * peakBytes(kept));
  expectSameBits(await runLowered(windows, feeds), await runLowered(kept, feeds));
});

test('a product is made again only where it is one with a small constant, as a transform is', () => {
  const products = (graph: Graph) =>
    graph.nodes.filter(
      // a constant that waits for a gradient has a zero subtracted
      ({ op, inputs: [a] }) => op.definition.multiplyAdds && !a?.constant && a?.node?.op.type !== 'Sub',
    ).length;
  const kept = blocks(true);
  expect(products(kept)).toBeGreaterThan(BLOCKS);
  expect(products(recompute(kept, 'all'))).toBe(products(kept));
});

/** Operators that are left when the runtime has optimized the graph. */
async function afterRuntime(graph: Graph): Promise<string[]> {
  let types: string[] = [];
  await inTemporaryFolder(async (folder) => {
    const optimizedModelFilePath = path.join(folder, 'optimized.onnx');
    const session = await ort.InferenceSession.create(encodeModel(toModel(emitGraph(graph))), {
      graphOptimizationLevel: 'extended',
      optimizedModelFilePath,
      logSeverityLevel: 4,
    });
    await session.release();
    types = readModel(optimizedModelFilePath).graph.nodes.map(({ opType }) => opType);
  });
  return types;
}

test('neither our passes nor the runtime merge the copies', async () => {
  const twice = recompute(blocks(true), 'all');
  const relus = count(typesOf(twice), 'Relu');
  expect(relus).toBe(2 * BLOCKS);
  expect(count(typesOf(mergeCommonSubexpressions(twice)), 'Relu')).toBe(relus);
  expect(count(await afterRuntime(twice), 'Relu')).toBe(relus);

  // the runtime does merge what it can prove equal
  const plain = new Graph('plain');
  const x = plain.input('x', 'float32', [4]);
  plain.output('y', add(mul(relu(x), 2), mul(relu(x), 3)));
  expect(count(typesOf(plain), 'Relu')).toBe(2);
  expect(count(await afterRuntime(plain), 'Relu')).toBe(1);
});

test('without gradients there is nothing to recompute', () => {
  const forward = blocks(false);
  expect(typesOf(recompute(forward, 'all'))).toEqual(typesOf(forward));
});

test.each<[string, Partial<RecipeInput>]>([
  ['finetune-v1', {}],
  ['finetune-v2', { precision: 'fast' }],
  ['pretrain-v2', {}],
  ['pretrain-imagenet-stem', {}],
  ['finetune-v2', { compute: 'float16' }],
])('a whole training step of %s with %p: the same bits, less memory', async (name, changes) => {
  const { recipe: input } = JSON.parse(readFileSync(fixture('torch', `${name}.json`), 'utf8')) as {
    recipe: RecipeInput;
  };
  const recipe = recipeSchema.parse({ ...input, ...changes });
  const { tensors } = readSafetensors(fixture('torch', `${name}.safetensors`));
  const scalar = (x: number): HostTensor => ({ dtype: 'float32', shape: [], data: Float32Array.of(x) });
  const { graph, contract } = trainGraph(programOf, recipe);
  const given: Tensors = {
    learning_rate: scalar(0.01),
    'optim.loss_scale': scalar(1024),
    'optim.good_steps': scalar(0),
  };
  const inputs = Object.fromEntries(
    contract.inputs.map(({ name: port, role }) => {
      const prefix = role === 'batch' ? 'batch' : 'initial';
      return [port, tensors.get(`${prefix}/${port}`) ?? given[port]];
    }),
  );
  const kept = optimize(lowerForTest(graph, { precision: recipe.precision }));
  const twice = recompute(kept, 'all');
  expect(peakBytes(twice)).toBeLessThan(peakBytes(kept));
  expectSameBits(await runLowered(twice, inputs), await runLowered(kept, inputs));
});
