/**
 * Operations on the places of pixels with Pillow's results to the bit: Image.rotate and Image.transform(AFFINE), nearest
 * neighbour, what comes in from outside gray. For sides below 2^14.
 */
import type { DecodedImage } from './transforms';

type Movement = (image: DecodedImage, parameter: number) => DecodedImage;

/** What replaces missing pixels in every channel, as in the reference code of AutoAugment and RandAugment. */
export const GRAY = 128;

/**
 * Output (x, y) shows the input at (a x + b y + c, d x + e y + f); pixels are unit squares and (0, 0) is the image's corner.
 * Pillow's affine_fixed: 16 bits of fraction, summed along rows and columns.
 */
function affine(
  image: DecodedImage,
  [a, b, c, d, e, f]: readonly [number, number, number, number, number, number],
): DecodedImage {
  const { width, height, channels, pixels } = image;
  const out = new Uint8Array(pixels.length).fill(GRAY);
  const fixed = (value: number) => Math.floor(value * 65536 + 0.5);
  const [stepX, stepY, rowX, rowY] = [fixed(a), fixed(d), fixed(b), fixed(e)];
  const startX = fixed(c + a * 0.5 + b * 0.5);
  const startY = fixed(f + d * 0.5 + e * 0.5);
  for (let row = 0, at = 0; row < height; row++) {
    let x = startX + row * rowX;
    let y = startY + row * rowY;
    for (let column = 0; column < width; column++, at += channels, x += stepX, y += stepY) {
      const fromX = x >> 16;
      const fromY = y >> 16;
      if (fromX < 0 || fromX >= width || fromY < 0 || fromY >= height) continue;
      const from = (fromY * width + fromX) * channels;
      for (let k = 0; k < channels; k++) out[at + k] = pixels[from + k];
    }
  }
  return { ...image, pixels: out };
}

/** Turns the image about its centre by `degrees`, counterclockwise as it is seen. */
export const rotate: Movement = (image, degrees) => {
  const [centerX, centerY] = [image.width / 2, image.height / 2];
  const remainder = degrees % 360;
  const angle = -(remainder < 0 ? remainder + 360 : remainder) * (Math.PI / 180);
  const [cos, sin] = [round15(Math.cos(angle)), round15(Math.sin(angle))];
  const c = cos * -centerX + sin * -centerY + centerX;
  const f = -sin * -centerX + cos * -centerY + centerY;
  return affine(image, [cos, sin, c, -sin, cos, f]);
};

/** Pillow's rounding, by which multiples of 90 degrees are exact. */
const round15 = (value: number) => Number(value.toFixed(15));

/** Row y shows what was `shear` * y to its right; the upper edge stays. */
export const shearX: Movement = (image, shear) => affine(image, [1, shear, 0, 0, 1, 0]);

/** Column x shows what was `shear` * x below it; the left edge stays. */
export const shearY: Movement = (image, shear) => affine(image, [1, 0, 0, shear, 1, 0]);

/** Moves the image left by `shift` pixels, of which any fraction is rounded. */
export const translateX: Movement = (image, shift) => translate(image, shift, 0);

/** Moves the image up by `shift` pixels, of which any fraction is rounded. */
export const translateY: Movement = (image, shift) => translate(image, 0, shift);

function translate(image: DecodedImage, left: number, up: number): DecodedImage {
  const { width, height, channels, pixels } = image;
  const out = new Uint8Array(pixels.length).fill(GRAY);
  const columns = sources(width, left);
  const rows = sources(height, up);
  for (let row = 0, at = 0; row < height; row++) {
    for (let column = 0; column < width; column++, at += channels) {
      if (rows[row] < 0 || columns[column] < 0) continue;
      const from = (rows[row] * width + columns[column]) * channels;
      for (let k = 0; k < channels; k++) out[at + k] = pixels[from + k];
    }
  }
  return { ...image, pixels: out };
}

/** Where along a side of `length` each place comes from, -1 for outside: Pillow's ImagingScaleAffine, a sum of float64. */
function sources(length: number, shift: number): Int32Array {
  const from = new Int32Array(length);
  for (let i = 0, place = shift + 0.5; i < length; i++, place++) {
    from[i] = place < 0 || place >= length ? -1 : place;
  }
  return from;
}
