/** What every runtime trains on: the same batches, seeds and learning rates, in one file. */
import path from 'node:path';
import type { Bundle } from '../../../src/bundle/read';
import { createLoader } from '../../../src/data/batches/loader';
import type { Batch } from '../../../src/data/batches/options';
import { UserError } from '../../../src/base/errors';
import { writeSafetensors } from '../../../src/tensors/safetensors';
import type { HostTensor } from '../../../src/tensors/dtype';
import { batchFeeds, batchOptions, scalarFeeds } from '../../../src/evaluation/feeds';
import { scalarsOf } from '../../../src/training/stepper';

export const inputsPath = (folder: string) => path.join(folder, 'batches.safetensors');

/**
 * Inputs of `train-loop.onnx` for `steps` steps of a run: every batch, random and hyper input with a leading axis over them.
 * `rate` is a factor on the learning rate.
 */
export async function makeInputs(
  { manifest }: Bundle,
  data: string,
  steps: number,
  rate: number,
): Promise<Map<string, HostTensor>> {
  const { recipe, graphs } = manifest;
  if (recipe.consistency.ratio > 0)
    throw new UserError('this check has no unlabelled images; give a bundle without consistency training');
  const loader = await createLoader({
    ...batchOptions(manifest, 'train'),
    spec: data,
    split: 'train',
    seed: recipe.seed,
  });
  const batches: Batch[] = [];
  try {
    for await (const batch of loader) {
      batches.push(batch);
      if (batches.length === steps) break;
    }
  } finally {
    await loader.close();
  }
  const values = scalarsOf(manifest, { seed: recipe.seed, steps }, batches, (i) => i);
  values.learning_rate = values.learning_rate.map((value) => rate * value);
  const loop = graphs['train-loop'];
  return new Map([...batchFeeds(loop, batches, true), ...scalarFeeds(loop, values, true)]);
}

export const writeInputs = (folder: string, inputs: ReadonlyMap<string, HostTensor>): void =>
  writeSafetensors(inputsPath(folder), inputs);

/** The inputs of one step, without the leading axis. */
export function inputsOfStep(inputs: ReadonlyMap<string, HostTensor>, step: number): [string, HostTensor][] {
  return Array.from(inputs, ([name, { dtype, shape, data }]) => {
    const each = data.length / shape[0];
    return [name, { dtype, shape: shape.slice(1), data: data.slice(step * each, (step + 1) * each) }];
  });
}
