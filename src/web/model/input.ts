/** Pixels as the network takes them, prepared as evaluation does. */
import type { Recipe } from '../../bundle/recipe';
import { centerBox, type DecodedImage } from '../../data/images/transforms';
import { resizeBox, toGray } from '../train/resize';

/** The middle of an RGB image, resized and normalized: [channels, size, size]. */
export function toInput(photo: DecodedImage, { size, channels, mean, std }: Recipe['image']): Float32Array {
  const image = channels === 1 ? toGray(photo) : photo;
  const { pixels } = resizeBox(image, centerBox(image.width, image.height, size), size);
  const area = size * size;
  return Float32Array.from({ length: channels * area }, (_, at) => {
    const [channel, place] = [Math.floor(at / area), at % area];
    return (pixels[place * channels + channel] / 255 - mean[channel]) / std[channel];
  });
}
