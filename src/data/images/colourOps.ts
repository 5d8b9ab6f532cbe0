/** Operations on the values of pixels with Pillow's results to the bit: its ImageOps and ImageEnhance of 'RGB' and 'L' images. */
import type { DecodedImage } from './transforms';

type Operation = (image: DecodedImage) => DecodedImage;
type Adjustment = (image: DecodedImage, parameter: number) => DecodedImage;

/** `level` of each value, clipped to [0, 255] and cut to an integer. */
function tabulate(level: (value: number) => number): Uint8Array {
  const table = new Uint8Array(256);
  for (let value = 0; value < 256; value++) table[value] = Math.max(0, Math.min(255, level(value)));
  return table;
}

/** Sends every value of every channel through `table`. */
function map(image: DecodedImage, table: Uint8Array): DecodedImage {
  const { pixels } = image;
  const out = new Uint8Array(pixels.length);
  for (let i = 0; i < out.length; i++) out[i] = table[pixels[i]];
  return { ...image, pixels: out };
}

/** Sends each channel through the table that `choose` makes of its histogram; a channel without one stays as it is. */
function mapByHistogram(
  image: DecodedImage,
  choose: (histogram: Uint32Array) => Uint8Array | null,
): DecodedImage {
  const { channels, pixels } = image;
  const out = new Uint8Array(pixels);
  const histogram = new Uint32Array(256);
  for (let c = 0; c < channels; c++) {
    histogram.fill(0);
    for (let i = c; i < pixels.length; i += channels) histogram[pixels[i]]++;
    const table = choose(histogram);
    if (table) for (let i = c; i < pixels.length; i += channels) out[i] = table[pixels[i]];
  }
  return { ...image, pixels: out };
}

/** The lowest and the highest value that occurs. */
function extent(histogram: Uint32Array): { low: number; high: number } {
  let [low, high] = [0, 255];
  while (low < 255 && histogram[low] === 0) low++;
  while (high > 0 && histogram[high] === 0) high--;
  return { low, high };
}

/** Stretches the values of each channel linearly from 0 to 255; a channel of one value stays as it is. */
export const autoContrast: Operation = (image) =>
  mapByHistogram(image, (histogram) => {
    const { low, high } = extent(histogram);
    if (high <= low) return null;
    // Not (value - low) * scale, which rounds elsewhere than Pillow does.
    const scale = 255 / (high - low);
    const offset = -low * scale;
    return tabulate((value) => value * scale + offset);
  });

/**
 * Spreads the values of each channel so that its histogram is about flat. A channel stays as it is where fewer than 255
 * pixels are below its highest value, so that images under 16 x 16 never change.
 */
export const equalize: Operation = (image) =>
  mapByHistogram(image, (histogram) => {
    const count = image.width * image.height;
    const step = Math.floor((count - histogram[extent(histogram).high]) / 255);
    if (step === 0) return null;
    let below = step >> 1;
    return tabulate((value) => {
      const level = Math.floor(below / step);
      below += histogram[value];
      return level;
    });
  });

/** Keeps the upper `bits` bits of each value, 1 to 8. */
export const posterize: Adjustment = (image, bits) => {
  const mask = 0xff & (0xff << (8 - bits));
  return map(
    image,
    tabulate((value) => value & mask),
  );
};

/** Inverts the values that are not below `threshold`; 256 changes nothing. */
export const solarize: Adjustment = (image, threshold) =>
  map(
    image,
    tabulate((value) => (value < threshold ? value : 255 - value)),
  );

/** From `from` (factor 0) to `to` (factor 1) and beyond, in Pillow's float32 arithmetic; `factor` is a float32. */
const blend = (from: number, to: number, factor: number) =>
  Math.fround(from + Math.fround(factor * (to - from)));

/** The gray of a pixel, ITU-R BT.601 in 16 bits of fraction: Pillow's conversion to 'L'. */
const luma = (red: number, green: number, blue: number) =>
  (red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16;

/** Scales the values by `factor`: 0 is black, 1 the image. */
export const brightness: Adjustment = (image, factor) => {
  const single = Math.fround(factor);
  return map(
    image,
    tabulate((value) => blend(0, value, single)),
  );
};

/** Scales the distance to the mean gray by `factor`: 0 is uniform gray, 1 the image. */
export const contrast: Adjustment = (image, factor) => {
  const single = Math.fround(factor);
  const mean = meanGray(image);
  return map(
    image,
    tabulate((value) => blend(mean, value, single)),
  );
};

function meanGray({ channels, pixels }: DecodedImage): number {
  let sum = 0;
  if (channels === 1) for (const value of pixels) sum += value;
  else for (let i = 0; i < pixels.length; i += 3) sum += luma(pixels[i], pixels[i + 1], pixels[i + 2]);
  return Math.floor(sum / (pixels.length / channels) + 0.5);
}

/** Scales the distance to each pixel's gray by `factor`: 0 is gray, 1 the image, as is every gray image. */
export const color: Adjustment = (image, factor) => {
  const { channels, pixels } = image;
  if (channels === 1) return image;
  const single = Math.fround(factor);
  const out = new Uint8Array(pixels.length);
  for (let i = 0; i < out.length; i += 3) {
    const gray = luma(pixels[i], pixels[i + 1], pixels[i + 2]);
    for (let c = i; c < i + 3; c++) out[c] = Math.max(0, Math.min(255, blend(gray, pixels[c], single)));
  }
  return { ...image, pixels: out };
};

/** Scales the distance to a smoothed image by `factor`: 0 is smooth, 1 the image, above is sharper. The border stays. */
export const sharpness: Adjustment = (image, factor) => {
  const { width, height, channels, pixels } = image;
  const single = Math.fround(factor);
  const stride = width * channels;
  const out = new Uint8Array(pixels);
  /** A pixel and its neighbours left and right. */
  const three = (i: number) => pixels[i - channels] + pixels[i] + pixels[i + channels];
  for (let row = 1; row < height - 1; row++) {
    for (let i = row * stride + channels; i < (row + 1) * stride - channels; i++) {
      const sum = three(i - stride) + three(i) + three(i + stride) + 4 * pixels[i];
      // Pillow's kernel of thirteenths, rounded: there are no ties, so that integers give its float32 result.
      const smooth = ((2 * sum + 13) / 26) | 0;
      out[i] = Math.max(0, Math.min(255, blend(smooth, pixels[i], single)));
    }
  }
  return { ...image, pixels: out };
};
