/** Pixels as the network takes them, prepared as evaluation does. */
import type { Recipe } from '../../bundle/recipe';
import { centerBox, type DecodedImage } from '../../data/images/transforms';
import { normalizePixels } from '../../tensors/pixels';
import { resizeBox, toGray } from '../train/resize';

/** The middle of an RGB image, resized and normalized: [channels, size, size]. */
export function toInput(photo: DecodedImage, { size, channels, mean, std }: Recipe['image']): Float32Array {
  const image = channels === 1 ? toGray(photo) : photo;
  const { pixels } = resizeBox(image, centerBox(image.width, image.height, size), size);
  return normalizePixels(pixels, channels, size * size, mean, std);
}
