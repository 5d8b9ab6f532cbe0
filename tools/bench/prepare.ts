/** Child process: builds a case's bundle and the batch that all contestants train on; answers with what it built. */
import { z } from 'zod';
import { randomBatch } from '../../src/bundle/randomBatch';
import { OPTIMIZATION_NAMES } from '../../src/lowering/optimizations';
import { buildBundle } from '../../graphs/tasks';
import { recipeSchema } from '../../src/bundle/recipe';
import { writeSafetensors } from '../../src/tensors/safetensors';
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

function prepare({ name, recipe, directory, without }: Order): Prepared {
  const start = performance.now();
  const { manifest, nodes } = buildBundle(name, recipe, directory, { without });
  const buildSeconds = (performance.now() - start) / 1000;
  writeSafetensors(batchPath(directory), randomBatch(manifest.graphs.train, recipe, 1));
  const { parameters, multiplyAdds } = manifest;
  return { buildSeconds, nodes, parameters, multiplyAdds };
}

if (require.main === module) {
  console.log(JSON.stringify(prepare(orderSchema.parse(JSON.parse(process.argv[2])))));
}
