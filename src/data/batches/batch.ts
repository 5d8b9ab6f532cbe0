/** One batch: the examples of a step, read, augmented and laid out as a graph's `batch` inputs. */
import { imageLength } from '../../bundle/imageShape';
import { fillPlaces, noneReadable, readImage, substitutes, takePlaces } from './examples';
import { shapedPatchOrder } from './maskShapes';
import type { Slot } from './memory';
import { type Draw, type Sampler, sequentialSampler, shuffledSampler, spread } from './sampler';
import type { Source } from '../sources/source';
import { augmentRandom } from '../images/transforms';
import type { BatchOptions, BrokenImage } from './options';

export function createSampler(source: Pick<Source, 'length'>, options: BatchOptions): Sampler {
  const { batch, seed, mode, limit = Infinity } = options;
  const all = options.indices ?? Int32Array.from({ length: source.length }, (_, i) => i);
  const indices = spread(all.length, limit).map((i) => all[i]);
  return mode === 'train' ? shuffledSampler(indices, batch, seed) : sequentialSampler(indices, batch);
}

/**
 * Makes the batch of a draw in `slot`; gives the draw as it became when broken images were skipped, and those. Example i
 * depends on (seed, epoch, index) alone.
 * @throws UserError for an image that cannot be read, unless it is to be skipped; for a training batch of such images alone
 */
export async function fillBatch(
  source: Source,
  options: BatchOptions,
  { epoch, indices, valid }: Draw,
  slot: Slot,
): Promise<{ draw: Draw; broken: BrokenImage[] }> {
  const { seed, image, mode } = options;
  const length = imageLength(image);
  const { images, labels, patch_order } = slot;
  const read = async (i: number) => {
    const random = augmentRandom(seed, epoch, indices[i]);
    await readImage(source, options, indices[i], random, images.subarray(i * length, (i + 1) * length));
  };
  const broken = await fillPlaces(source, options, indices, valid, read);
  for (const [i, index] of indices.entries()) {
    if (labels) labels[i] = BigInt(source.label(index) ?? -1);
    if (patch_order && options.patchOrder) {
      const { grid, hidden, mask } = options.patchOrder;
      const order = shapedPatchOrder(mask, seed, epoch, index, grid, hidden);
      patch_order.set(BigInt64Array.from(order, BigInt), i * order.length);
    }
  }
  const report = [...broken.values()];
  if (broken.size === valid) {
    if (mode === 'train') throw noneReadable(valid, report, ' of a batch');
    images.fill(0);
    return { draw: { epoch, indices, valid: 0 }, broken: report };
  }
  const from = substitutes(broken, indices.length, valid, mode);
  const drawn = takePlaces([images, labels, patch_order], indices, from);
  return {
    draw: { epoch, indices: drawn, valid: mode === 'train' ? valid : valid - broken.size },
    broken: report,
  };
}
