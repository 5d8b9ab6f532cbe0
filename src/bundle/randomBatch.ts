/** A batch of random numbers that a graph takes, for measurements that need no images. */
import { Random } from '../base/random';
import { sizeOf, type HostTensor } from '../tensors/dtype';
import type { GraphContract } from './manifest';
import type { Recipe } from './recipe';

/**
 * The batch inputs of `contract` as the loader would feed them, with random pixels, classes and orders of the patches, the
 * same for the same `seed`. An open size is the recipe's batch.
 */
export function randomBatch(contract: GraphContract, recipe: Recipe, seed = 0): [string, HostTensor][] {
  return contract.inputs
    .filter(({ role }) => role === 'batch')
    .map(({ name, dtype, shape: open }) => {
      const shape = open.map((size) => (typeof size === 'number' ? size : recipe.batch));
      const length = sizeOf(shape);
      const random = new Random(seed, 'random batch', name);
      const data = () => {
        if (dtype === 'uint8') return Uint8Array.from({ length }, () => random.integer(256));
        if (dtype === 'uint16') return Uint16Array.from({ length }, () => random.integer(65_536));
        if (name === 'labels')
          return BigInt64Array.from({ length }, () => BigInt(random.integer(recipe.network.classes)));
        if (name !== 'patch_order')
          throw new Error(`no random numbers are known for the batch input ${name}`);
        const orders = Array.from({ length: shape[0] }, () => [...random.permutation(shape[1])]);
        return BigInt64Array.from(orders.flat(), BigInt);
      };
      return [name, { dtype, shape, data: data() }];
    });
}
