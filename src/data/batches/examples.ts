/** Examples of a batch: one image read and augmented; many side by side, with others in the place of broken ones. */
import { UserError } from '../../base/errors';
import { imageShape } from '../../bundle/imageShape';
import { type Pixels, withBits } from '../../tensors/pixels';
import { augmentPixels } from '../images/augment';
import type { BatchOptions, BrokenImage } from './options';
import { decodeBox, decodeCenter } from '../images/decode';
import type { Random } from '../../base/random';
import type { Source } from '../sources/source';
import { randomResizedBox } from '../images/transforms';

/** Images of one batch that are decoded side by side; libuv's pool has four threads by default. */
const LANES = 4;

/** Writes example `index`, augmented by numbers of `random`, into `out`, [height * width * channels]. */
export async function readImage(
  source: Source,
  options: Pick<BatchOptions, 'augment' | 'image'>,
  index: number,
  random: Random,
  out: Pixels,
): Promise<void> {
  const { augment, image } = options;
  if (source.kind === 'pixels' && !source.resizable) {
    const { width, height, channels } = source;
    const pixels = withBits(source.pixels(index), imageShape(image).bits);
    const stored = { width, height, channels, pixels };
    augmentPixels(stored, augment, augment?.pad ?? 0, random, out);
    return;
  }
  const where = source.where(index);
  const encoded =
    source.kind === 'encoded'
      ? await source.bytes(index)
      : {
          width: source.width,
          height: source.height,
          channels: source.channels,
          pixels: source.pixels(index),
        };
  if (augment === null) {
    out.set((await decodeCenter(encoded, where, image)).pixels);
    return;
  }
  const cropped = augment.cropScale > 0;
  const shape = imageShape(image);
  const decoded = cropped
    ? await decodeBox(encoded, where, image, (width, height) =>
        randomResizedBox(width, height, augment.cropScale, random, shape.width / shape.height),
      )
    : await decodeCenter(encoded, where, image);
  augmentPixels(decoded, augment, cropped ? 0 : augment.pad, random, out);
}

/**
 * Calls `read` for the first `valid` of `indices`, several side by side where images are decoded. Gives the places, ascending,
 * whose image cannot be read, where those are to be skipped.
 * @throws UserError for the first such image where they are not
 */
export async function fillPlaces(
  source: Source,
  options: Pick<BatchOptions, 'broken'>,
  indices: Int32Array,
  valid: number,
  read: (place: number) => Promise<void>,
): Promise<Map<number, BrokenImage>> {
  const broken: [number, BrokenImage][] = [];
  let next = 0;
  const lane = async () => {
    while (next < valid) {
      const i = next++;
      try {
        await read(i);
      } catch (error) {
        if (options.broken !== 'skip' || !(error instanceof UserError)) throw error;
        const index = indices[i];
        broken.push([i, { index, where: source.where(index), reason: error.message }]);
      }
    }
  };
  const lanes = source.kind === 'encoded' || source.resizable ? LANES : 1;
  await Promise.all(Array.from({ length: lanes }, lane));
  return new Map(broken.sort(([a], [b]) => a - b));
}

export const noneReadable = (count: number, broken: readonly BrokenImage[], of = '') =>
  new UserError(`none of the ${count} images${of} can be read; first: ${broken[0].reason}`);

/**
 * Where each place of a batch takes its example from, never from one before it that was overwritten already: in training the
 * next readable one; in evaluation the readable ones move to the front and the last one fills the batch.
 */
export function substitutes(
  broken: ReadonlyMap<number, BrokenImage>,
  places: number,
  valid: number,
  mode: BatchOptions['mode'],
): number[] {
  const readable = Array.from({ length: valid }, (_, i) => i).filter((i) => !broken.has(i));
  return Array.from({ length: places }, (_, i) => {
    if (mode === 'evaluate') return readable[Math.min(i, readable.length - 1)];
    return broken.has(i) ? (readable.find((other) => other > i) ?? readable[0]) : i;
  });
}

/** Copies in each array example `from[i]` over example i; gives the indices as they are then. */
export function takePlaces(
  arrays: readonly (Pixels | BigInt64Array | undefined)[],
  indices: Int32Array,
  from: readonly number[],
): Int32Array {
  const drawn = indices.slice();
  from.forEach((other, i) => {
    for (const array of arrays) {
      const each = (array?.length ?? 0) / indices.length;
      array?.copyWithin(i * each, other * each, (other + 1) * each);
    }
    drawn[i] = indices[other];
  });
  return drawn;
}
