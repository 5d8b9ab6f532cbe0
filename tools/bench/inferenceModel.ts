/** What inference is measured on: encoders with a state of which nothing is neutral, and images. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { encoderGraph } from '../../src/compile/step';
import { programOf } from '../../graphs/tasks';
import { recipeSchema, type Recipe, type RecipeInput } from '../../src/bundle/recipe';
import { Random } from '../../src/base/random';
import { embedState } from '../../src/export/model/bakeWeights';
import { DEFAULT_FORM } from '../../src/export/form';
import { writeSafetensors } from '../../src/tensors/safetensors';
import type { RewriteName } from '../../src/export/model/simplify';
import { emitGraph, toModel } from '../../src/graph/emit';
import { Graph } from '../../src/graph/graph';
import { lower } from '../../src/lowering/lower';
import { Context } from '../../src/nn/context';
import { initialValues, type StateTensor } from '../../src/nn/state';
import { type HostTensor, sizeOf } from '../../src/tensors/dtype';
import { writeModel } from '../../src/onnx/files';
import { optimize } from '../../src/passes';

const resnet50 = [3, 4, 6, 3];
const paper = [3, 4, 6];

export const INFERENCE_CASES = {
  'resnet50-v1': { image: { size: 32 }, network: { version: 'v1', stages: resnet50, stem: 'cifar' } },
  'resnet50-v2': { image: { size: 32 }, network: { version: 'v2', stages: resnet50, stem: 'cifar' } },
  paper: { image: { size: 32 }, network: { version: 'v2', stages: paper, stem: 'cifar' } },
  'paper-224': { image: { size: 224 }, network: { version: 'v2', stages: paper, stem: 'imagenet' } },
} as const;

export type InferenceCase = keyof typeof INFERENCE_CASES;
export const INFERENCE_CASE_NAMES = Object.keys(INFERENCE_CASES) as InferenceCase[];

export function inferenceRecipe(name: InferenceCase): Recipe {
  const { image, network } = INFERENCE_CASES[name];
  const input: RecipeInput = {
    task: 'finetune',
    image,
    network: { ...network, stages: [...network.stages] },
  };
  return recipeSchema.parse(input);
}

/**
 * Convolutions as training begins but by fan in, which keeps the images' part in the embedding as large as the biases', and
 * norms with statistics off 0 and 1, so that one folded wrongly shows.
 */
function values(name: string, tensor: StateTensor): Float32Array {
  const data = Float32Array.from(initialValues(name, tensor, 0));
  const [out, fanIn] = tensor.shape;
  if (tensor.shape.length !== 1) return data.map((v) => v * Math.sqrt(out / fanIn));
  const random = new Random(0, 'inference', name);
  const [low, high] = name.endsWith('var') ? [0.5, 1.5] : name.endsWith('weight') ? [0.4, 1.2] : [-0.2, 0.2];
  return data.map(() => low + (high - low) * random.uniform());
}

const FORM = { ...DEFAULT_FORM, kind: 'encoder', input: 'uint8' } as const;

/** One exported encoder for each entry of `files`: its name and the rewrites that it goes without. */
export function writeInferenceFolder(
  folder: string,
  recipe: Recipe,
  batch: number,
  files: ReadonlyMap<string, readonly RewriteName[]>,
): void {
  const context = new Context(new Graph('names'), { training: true });
  context.bind(programOf(recipe).modules);
  const state = new Map(
    context.bound.map(({ name, state: tensor }): [string, HostTensor] => [
      name,
      { dtype: 'float32', shape: tensor.shape, data: values(name, tensor) },
    ]),
  );
  const { size, channels } = recipe.image;
  const shape = [batch, size, size, channels];
  const random = new Random(0, 'inference', 'images');
  const data = Uint8Array.from({ length: sizeOf(shape) }, () => random.integer(256));
  writeFileSync(path.join(folder, 'recipe.json'), JSON.stringify(recipe));
  writeSafetensors(path.join(folder, 'state.safetensors'), state, { format: 'pt' });
  writeSafetensors(
    path.join(folder, 'images.safetensors'),
    new Map<string, HostTensor>([['images', { dtype: 'uint8', shape, data }]]),
  );
  const { provider, precision } = recipe;
  const graph = emitGraph(optimize(lower(encoderGraph(programOf, recipe).graph, { provider, precision })));
  const weighted = { model: toModel(graph), state, image: recipe.image };
  for (const [file, without] of files)
    writeModel(path.join(folder, file), embedState(weighted, FORM, { without }));
}
