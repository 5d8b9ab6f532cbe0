/** All that is done to an image that has its final size. */
import { strongAugment } from './randAugment';
import type { Random } from '../../base/random';
import type { Pixels } from '../../tensors/pixels';
import { type Augment, type DecodedImage, padCropFlip } from './transforms';

/** Writes `image` into `out`, as `augment` asks for by numbers of `random`, with so much padding; null: as it is. */
export function augmentPixels(
  image: DecodedImage,
  augment: Augment | null,
  pad: number,
  random: Random,
  out: Pixels,
): void {
  if (augment === null) out.set(image.pixels);
  else strengthen(padCropFlip(image, pad, augment.flip, random, out), augment, random, out);
}

/** RandAugment and Cutout, as `augment` asks for, on what pad, crop and flip made. */
function strengthen(image: DecodedImage, augment: Augment, random: Random, out: Pixels): void {
  const { randAugment: operations = 0, magnitude = 1, cutout = 0 } = augment;
  if (operations === 0 && cutout === 0) return;
  const side = Math.round(cutout * Math.min(image.width, image.height));
  out.set(strongAugment(image, { operations, magnitude, cutout: side }, random).pixels);
}
