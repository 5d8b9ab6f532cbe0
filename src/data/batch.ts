/** One batch: the examples of a step, read, augmented and laid out as a graph's `batch` inputs. */
import type { MaskShape } from '../bundle/recipe';
import { fillPlaces, noneReadable, readImage, substitutes, takePlaces } from './examples';
import { shapedPatchOrder } from './maskShapes';
import type { Slot } from './memory';
import { type Draw, type Sampler, sequentialSampler, shuffledSampler, spread } from './sampler';
import type { Source, Split } from './source';
import { type Augment, augmentRandom } from './transforms';
import type { UnlabelledOptions } from './unlabelled';

/** What decides every byte of every batch; plain data, so that it can be sent to a thread. */
export interface BatchOptions {
  /** a form of `SOURCE_FORMS` */
  readonly spec: string;
  readonly split: Split;
  /** examples to use, in this order where nothing is shuffled; default: all */
  readonly indices?: Int32Array;
  /** so many of those, spread evenly; default: all */
  readonly limit?: number;
  readonly batch: number;
  readonly seed: number;
  /** train: shuffled, endless, full batches only; evaluate: in order, once, the last batch filled up */
  readonly mode: 'train' | 'evaluate';
  /** images are delivered as size x size; only encoded and packed photographs are resized */
  readonly image: { readonly size: number; readonly channels: number };
  /** null: none (encoded images: resized, the middle cut out) */
  readonly augment: Augment | null;
  /**
   * What an image does that cannot be read or decoded: fail (the default), or be skipped and reported. In training the next
   * readable image of the batch takes its place; in evaluation it does not count.
   */
  readonly broken?: 'fail' | 'skip';
  /** fill `labels`, for a network of so many classes */
  readonly labels?: { readonly classes: number };
  /** fill `unlabelled_weak` and `unlabelled_strong` */
  readonly unlabelled?: UnlabelledOptions;
  /** fill `patch_order`, for `grid` x `grid` patches, `hidden` of them hidden */
  readonly patchOrder?: { readonly grid: number; readonly hidden: number; readonly mask: MaskShape };
}

/** An image that was skipped. */
export interface BrokenImage {
  /** in the source */
  readonly index: number;
  /** as the source names it */
  readonly where: string;
  /** where it is and what is wrong with it */
  readonly reason: string;
}

/**
 * The `batch` inputs of a step, named as in the manifest, and where they come from. The arrays lie in shared memory: posting
 * them to a thread copies nothing.
 */
export interface Batch {
  readonly step: number;
  readonly epoch: number;
  /** examples that count, at the front; the rest repeats the last one (evaluation only) */
  readonly valid: number;
  /** [B], of the examples in the source */
  readonly indices: Int32Array;
  /** images that were to be in it; always empty unless they are to be skipped */
  readonly broken: readonly BrokenImage[];
  /** uint8 [B, size, size, channels] */
  readonly images: Uint8Array<SharedArrayBuffer>;
  /** int64 [B] */
  readonly labels?: BigInt64Array<SharedArrayBuffer>;
  /** int64 [B, patches] */
  readonly patch_order?: BigInt64Array<SharedArrayBuffer>;
  /** uint8 [ratio B, size, size, channels], both of the same images */
  readonly unlabelled_weak?: Uint8Array<SharedArrayBuffer>;
  readonly unlabelled_strong?: Uint8Array<SharedArrayBuffer>;
}

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
  const bytes = image.size * image.size * image.channels;
  const { images, labels, patch_order } = slot;
  const read = async (i: number) => {
    const random = augmentRandom(seed, epoch, indices[i]);
    await readImage(source, options, indices[i], random, images.subarray(i * bytes, (i + 1) * bytes));
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
