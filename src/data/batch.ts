/** One batch: the examples of a step, read, augmented and laid out as a graph's `batch` inputs. */
import { UserError } from '../errors';
import { decodeBox, decodeCenter } from './images';
import { patchOrder } from './masks';
import type { Slot } from './memory';
import { type Draw, type Sampler, sequentialSampler, shuffledSampler } from './sampler';
import type { Source, Split } from './source';
import { type Augment, augmentRandom, padCropFlip, randomResizedBox } from './transforms';

/** What decides every byte of every batch; plain data, so that it can be sent to a thread. */
export interface BatchOptions {
  /** `embedded`, `cifar10:PATH`, `folder:PATH` */
  readonly spec: string;
  readonly split: Split;
  /** examples to use, in this order where nothing is shuffled; default: all */
  readonly indices?: Int32Array;
  readonly batch: number;
  readonly seed: number;
  /** train: shuffled, endless, full batches only; evaluate: in order, once, the last batch filled up */
  readonly mode: 'train' | 'evaluate';
  /** images are delivered as size x size; only `folder` resizes */
  readonly image: { readonly size: number; readonly channels: number };
  /** null: none (folders: resized, the middle cut out) */
  readonly augment: Augment | null;
  /** fill `labels`, for a network of so many classes */
  readonly labels?: { readonly classes: number };
  /** fill `patch_order`, for a grid of so many patches, `hidden` of them hidden */
  readonly patchOrder?: { readonly patches: number; readonly hidden: number };
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
  /** uint8 [B, size, size, channels] */
  readonly images: Uint8Array<SharedArrayBuffer>;
  /** int64 [B] */
  readonly labels?: BigInt64Array<SharedArrayBuffer>;
  /** int64 [B, patches] */
  readonly patch_order?: BigInt64Array<SharedArrayBuffer>;
}

/** Images of one batch that are decoded side by side; libuv's pool has four threads by default. */
const LANES = 4;

/**
 * @throws UserError where the source does not fit: size, channels, no labels, more classes than the network has
 */
export function checkSource(source: Source, options: BatchOptions): void {
  const { image, labels } = options;
  if (image.channels !== 1 && image.channels !== 3) {
    throw new UserError(`image.channels=${image.channels}: ${source.name} gives 1 (gray) or 3 (RGB)`);
  }
  if (source.kind === 'pixels') {
    const { width, height, channels, name } = source;
    if (width !== image.size || height !== image.size) {
      throw new UserError(
        `${name} has images of ${width} x ${height}, the graph takes ${image.size} x ${image.size}; ` +
          `build it with --set image.size=${width}`,
      );
    }
    if (channels !== image.channels) {
      throw new UserError(
        `${name} has ${channels} channels, the graph takes ${image.channels}; build it with --set image.channels=${channels}`,
      );
    }
  }
  if (labels === undefined) return;
  if (source.classes === null) {
    throw new UserError(`${source.name} has no labels, and this graph learns from labels`);
  }
  if (source.classes.length > labels.classes) {
    throw new UserError(
      `${source.name} has ${source.classes.length} classes, the network ${labels.classes}; ` +
        `build it with --set network.classes=${source.classes.length}`,
    );
  }
}

export function createSampler(source: Source, options: BatchOptions): Sampler {
  const { batch, seed, mode } = options;
  const indices = options.indices ?? Int32Array.from({ length: source.length }, (_, i) => i);
  return mode === 'train' ? shuffledSampler(indices, batch, seed) : sequentialSampler(indices, batch);
}

/** Writes example `index` as it enters a batch of `epoch` into `out`, uint8 [size * size * channels]. */
async function readImage(
  source: Source,
  options: BatchOptions,
  epoch: number,
  index: number,
  out: Uint8Array,
): Promise<void> {
  const { augment, image, seed } = options;
  const random = augmentRandom(seed, epoch, index);
  if (source.kind === 'pixels') {
    const { width, height, channels } = source;
    const stored = { width, height, channels, pixels: source.pixels(index) };
    if (augment === null) out.set(stored.pixels);
    else padCropFlip(stored, augment.pad, augment.flip, random, out);
    return;
  }
  const where = source.where(index);
  const bytes = await source.bytes(index);
  const channels = image.channels === 1 ? 1 : 3;
  if (augment === null || augment.cropScale === 0) {
    const whole = await decodeCenter(bytes, where, image.size, channels);
    if (augment === null) out.set(whole.pixels);
    else padCropFlip(whole, augment.pad, augment.flip, random, out);
    return;
  }
  const cropped = await decodeBox(bytes, where, image.size, channels, (width, height) =>
    randomResizedBox(width, height, augment.cropScale, random),
  );
  padCropFlip(cropped, 0, augment.flip, random, out);
}

/**
 * Makes the batch of `step` in `slot`. Example i depends on (seed, epoch, index) alone.
 * @throws UserError for an image that cannot be read
 */
export async function fillBatch(
  source: Source,
  options: BatchOptions,
  { epoch, indices, valid }: Draw,
  { images, labels, patch_order }: Slot,
): Promise<void> {
  const { batch, seed, image } = options;
  const bytes = image.size * image.size * image.channels;

  let next = 0;
  const lane = async () => {
    while (next < batch) {
      const i = next++;
      const index = indices[i];
      // Each image is decoded once; places that only fill the batch copy the last one.
      if (i < valid)
        await readImage(source, options, epoch, index, images.subarray(i * bytes, (i + 1) * bytes));
      if (labels) labels[i] = BigInt(source.label(index) ?? -1);
      if (patch_order && options.patchOrder) {
        const { patches, hidden } = options.patchOrder;
        patchOrder(seed, epoch, index, patches, hidden).forEach((place, j) => {
          patch_order[i * patches + j] = BigInt(place);
        });
      }
    }
  };
  await Promise.all(Array.from({ length: source.kind === 'encoded' ? LANES : 1 }, lane));
  for (let i = valid; i < batch; i++) images.copyWithin(i * bytes, (valid - 1) * bytes, valid * bytes);
}
