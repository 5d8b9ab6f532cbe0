/** Child process: builds a case's bundle and the batch that all contestants train on; answers with what it built. */
import { z } from 'zod';
import { OPTIMIZATION_NAMES } from '../../src/lowering/optimizations';
import { buildBundle } from '../../graphs/tasks';
import { patchCounts } from '../../src/bundle/checkRecipe';
import type { Port } from '../../src/bundle/manifest';
import { recipeSchema, type Recipe } from '../../src/bundle/recipe';
import { Random } from '../../src/base/random';
import { writeSafetensors } from '../../src/tensors/safetensors';
import { type HostTensor, sizeOf } from '../../src/tensors/dtype';
import { batchPath } from './job';

export const orderSchema = z.strictObject({
  name: z.string(),
  recipe: recipeSchema,
  directory: z.string(),
  /** optimizations of the lowering that are not to be used */
  without: z.array(z.enum(OPTIMIZATION_NAMES)),
});
export type Order = z.infer<typeof orderSchema>;

export const preparedSchema = z.strictObject({
  /** of the whole bundle: six graphs and the initial state */
  buildSeconds: z.number(),
  nodes: z.number(),
  parameters: z.number(),
  multiplyAdds: z.number(),
});
export type Prepared = z.infer<typeof preparedSchema>;

/** Random, but the same at every call: pixels, labels, an order of the patches for each image. */
function batchTensor({ name, dtype, shape }: Port, recipe: Recipe): HostTensor {
  const dims = shape as number[];
  const random = new Random(1, 'bench', name);
  const count = sizeOf(dims);
  if (dtype === 'uint8')
    return { dtype, shape: dims, data: Uint8Array.from({ length: count }, () => random.integer(256)) };
  if (name === 'labels') {
    const label = () => BigInt(random.integer(recipe.network.classes));
    return { dtype, shape: dims, data: BigInt64Array.from({ length: count }, label) };
  }
  if (name === 'patch_order') {
    const { patches } = patchCounts(recipe);
    const orders = Array.from({ length: dims[0] }, () => [...random.permutation(patches)]);
    return { dtype, shape: dims, data: BigInt64Array.from(orders.flat(), BigInt) };
  }
  throw new Error(`the benchmark has nothing for the batch input ${name}`);
}

function prepare({ name, recipe, directory, without }: Order): Prepared {
  const start = performance.now();
  const { manifest, nodes } = buildBundle(name, recipe, directory, { without });
  const buildSeconds = (performance.now() - start) / 1000;
  const inputs = manifest.graphs.train.inputs.filter(({ role }) => role === 'batch');
  writeSafetensors(
    batchPath(directory),
    inputs.map((port) => [port.name, batchTensor(port, recipe)] as const),
  );
  const { parameters, multiplyAdds } = manifest;
  return { buildSeconds, nodes, parameters, multiplyAdds };
}

if (require.main === module) {
  console.log(JSON.stringify(prepare(orderSchema.parse(JSON.parse(process.argv[2])))));
}
