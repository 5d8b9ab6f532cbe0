/** Batches as the loader of `selfie train` makes them, on one thread and without its decoder. */
import { imageLength, imageShape } from '../../bundle/imageShape';
import { augmentPixels } from '../../data/images/augment';
import type { BatchOptions } from '../../data/batches/options';
import { shapedPatchOrder } from '../../data/batches/maskShapes';
import type { Random } from '../../base/random';
import type { Draw } from '../../data/batches/sampler';
import { augmentRandom, centerBox, type DecodedImage, randomResizedBox } from '../../data/images/transforms';
import type { FedBatch } from '../../evaluation/feeds';
import { resizeBox, toGray } from './resize';
import type { WebSource } from './source';

type Options = Pick<BatchOptions, 'image' | 'augment' | 'labels' | 'patchOrder' | 'seed'>;

/** The batch of `draw` for `step`: of pixels that need no decoding the very bytes that the loader makes. */
export function makeBatch(
  source: WebSource,
  options: Options,
  { epoch, indices }: Pick<Draw, 'epoch' | 'indices'>,
  step: number,
): FedBatch {
  const { seed, image, labels, patchOrder } = options;
  const bytes = imageLength(image);
  const images = new Uint8Array(indices.length * bytes);
  indices.forEach((index, i) => {
    readExample(
      source,
      options,
      index,
      augmentRandom(seed, epoch, index),
      images.subarray(i * bytes, (i + 1) * bytes),
    );
  });
  return {
    step,
    epoch,
    indices,
    images,
    labels: labels && BigInt64Array.from(indices, (index) => BigInt(source.label(index) ?? -1)),
    patch_order: patchOrder && ordersOf(patchOrder, seed, epoch, indices),
  };
}

function ordersOf(
  { grid, hidden, mask }: NonNullable<Options['patchOrder']>,
  seed: number,
  epoch: number,
  indices: Int32Array,
): BigInt64Array {
  const orders = new BigInt64Array(indices.length * grid.rows * grid.columns);
  indices.forEach((index, i) => {
    const order = shapedPatchOrder(mask, seed, epoch, index, grid, hidden);
    orders.set(BigInt64Array.from(order, BigInt), i * order.length);
  });
  return orders;
}

function readExample(
  source: WebSource,
  { image, augment }: Options,
  index: number,
  random: Random,
  out: Uint8Array,
): void {
  if (source.kind === 'pixels') {
    const stored = { ...source, pixels: source.pixels(index) };
    augmentPixels(stored, augment, augment?.pad ?? 0, random, out);
    return;
  }
  const shape = imageShape(image);
  const whole: DecodedImage = source.image(index);
  const cropped = augment !== null && augment.cropScale > 0;
  const box = cropped
    ? randomResizedBox(whole.width, whole.height, augment.cropScale, random, shape.width / shape.height)
    : centerBox(whole.width, whole.height, shape);
  const resized = resizeBox(whole, box, shape);
  augmentPixels(
    shape.channels === 1 ? toGray(resized) : resized,
    augment,
    cropped ? 0 : (augment?.pad ?? 0),
    random,
    out,
  );
}
