/** The patch task on one photograph: what a pretraining run's network says of its hidden patches. */
import { readFileSync } from 'node:fs';
import { UserError } from '../base/errors';
import { fileError } from '../base/files';
import { patchCounts } from '../bundle/checkRecipe';
import { imageShape } from '../bundle/imageShape';
import { shapedPatchOrder } from '../data/batches/maskShapes';
import { decodeCenter } from '../data/images/decode';
import { openRun, withSession, type RunOptions } from '../run/openRun';
import { allocatePixels } from '../tensors/pixels';
import { shownPixels } from '../tensors/shownPixels';
import { batchFeeds } from './feeds';

export interface AskOptions extends RunOptions {
  /** an image file of any size; its middle is taken */
  readonly image: string;
  /** which places are hidden, default 0 */
  readonly seed?: number;
}

export interface PatchAnswer {
  /** in pixels */
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  /** side of a patch in pixels */
  readonly patch: number;
  /** as a picture shows it: uint8 [height, width, channels] */
  readonly image: Uint8Array;
  /** places, row-major in the grid, the hidden ones last, as `patch_order` */
  readonly order: Int32Array;
  /** [hidden, hidden]: row k scores every hidden patch for the k-th hidden place */
  readonly logits: Float32Array;
}

/** Asks the network where the hidden patches of the image belong. Throws a UserError for whatever is not there or does not fit. */
export async function askPatches(
  options: AskOptions,
  warn: (line: string) => void = () => {},
): Promise<PatchAnswer> {
  const { directory, image: file, seed = 0 } = options;
  const run = openRun(options, warn);
  const { recipe, graphs } = run.bundle.manifest;
  if (recipe.task !== 'pretrain')
    throw new UserError(
      `${directory}: a ${recipe.task} run hides no patches; give the folder of a pretraining run`,
    );
  const { width, height, channels, bits } = imageShape(recipe.image);
  const { pixels } = await decodeCenter(readBytes(file), file, recipe.image);
  const { grid, patches, hidden } = patchCounts(recipe);
  const order = shapedPatchOrder(recipe.patch.mask, seed, 0, 0, grid, hidden);
  // The graph takes whole batches; the others are the same image again.
  const images = allocatePixels(bits, pixels.length * recipe.batch);
  const orders = new BigInt64Array(patches * recipe.batch);
  for (let i = 0; i < recipe.batch; i++) {
    images.set(pixels, i * pixels.length);
    order.forEach((place, j) => (orders[i * patches + j] = BigInt(place)));
  }
  const indices = new Int32Array(recipe.batch);
  const feeds = batchFeeds(graphs.eval, [{ indices, images, patch_order: orders }], false);
  const logits = await withSession(run, async (session) => {
    const output = (await session.run('eval', feeds)).get('logits');
    if (!output) throw new UserError(`${directory}: its eval.onnx gives no logits; build the bundle again`);
    return Float32Array.from(output.data.subarray(0, hidden * hidden) as Float32Array);
  });
  const shown = shownPixels(pixels, channels);
  const patch = recipe.patch.size;
  return { width, height, channels: shown.channels, patch, image: shown.pixels, order, logits };
}

function readBytes(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw fileError('read', file, error);
  }
}
