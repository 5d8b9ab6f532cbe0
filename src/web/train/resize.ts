/** A box of an image as a small image: a triangle filter as wide as the reduction asks for, as in PIL. */
import type { Box, DecodedImage } from '../../data/images/transforms';

/** For each of `size` places: the first pixel that counts, and the weights from there on, which sum to 1. */
function taps(start: number, length: number, size: number, limit: number) {
  const scale = length / size;
  const support = Math.max(1, scale);
  return Array.from({ length: size }, (_, i) => {
    const centre = start + (i + 0.5) * scale;
    const first = Math.max(0, Math.floor(centre - support));
    const last = Math.min(limit - 1, Math.ceil(centre + support) - 1);
    const weights = Array.from({ length: last - first + 1 }, (_, k) =>
      Math.max(0, 1 - Math.abs(first + k + 0.5 - centre) / support),
    );
    const sum = weights.reduce((a, b) => a + b, 0);
    return { first, weights: weights.map((weight) => weight / sum) };
  });
}

/** `box` of `image` resized to the sides of `target`, in 8 bits; what lies around the box has its part in the pixels at its edge. */
export function resizeBox(
  image: DecodedImage,
  box: Box,
  target: Pick<DecodedImage, 'width' | 'height'>,
): DecodedImage {
  const { width, height, channels, pixels } = image;
  const isWhole = box.width === width && box.height === height;
  if (isWhole && width === target.width && height === target.height) return image;
  const columns = taps(box.left, box.width, target.width, width);
  const rows = taps(box.top, box.height, target.height, height);
  const top = rows[0].first;
  const bottom = rows[target.height - 1].first + rows[target.height - 1].weights.length;
  const narrow = new Float32Array((bottom - top) * target.width * channels);
  for (let y = top, at = 0; y < bottom; y++) {
    for (const { first, weights } of columns) {
      for (let c = 0; c < channels; c++, at++) {
        let from = (y * width + first) * channels + c;
        for (let k = 0; k < weights.length; k++, from += channels) narrow[at] += weights[k] * pixels[from];
      }
    }
  }
  const line = target.width * channels;
  const out = new Uint8ClampedArray(target.height * line);
  for (let y = 0, at = 0; y < target.height; y++) {
    const { first, weights } = rows[y];
    for (let x = 0; x < line; x++, at++) {
      let sum = 0;
      for (let k = 0; k < weights.length; k++) sum += weights[k] * narrow[(first - top + k) * line + x];
      out[at] = sum;
    }
  }
  return { width: target.width, height: target.height, channels, pixels: new Uint8Array(out.buffer) };
}

/** One channel of luma (ITU-R BT.601) of an RGB image. */
export function toGray({ width, height, pixels }: DecodedImage): DecodedImage {
  const gray = new Uint8Array(width * height);
  for (let i = 0; i < gray.length; i++) {
    gray[i] = Math.round(0.299 * pixels[3 * i] + 0.587 * pixels[3 * i + 1] + 0.114 * pixels[3 * i + 2]);
  }
  return { width, height, channels: 1, pixels: gray };
}
