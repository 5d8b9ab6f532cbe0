/** Pixels as the network takes them, prepared as evaluation does. */
import { imageShape } from '../../bundle/imageShape';
import type { Recipe } from '../../bundle/recipe';
import { centerBox, type DecodedImage } from '../../data/images/transforms';
import { normalizePixels } from '../../tensors/pixels';
import { resizeBox, toGray } from '../train/resize';

/** The middle of an RGB image, resized and normalized: [channels, height, width]. */
export function toInput(photo: DecodedImage, settings: Recipe['image']): Float32Array {
  const shape = imageShape(settings);
  const { width, height, channels } = shape;
  const image = channels === 1 ? toGray(photo) : photo;
  const { pixels } = resizeBox(image, centerBox(image.width, image.height, shape), shape);
  return normalizePixels(pixels, channels, width * height, settings.mean, settings.std);
}
