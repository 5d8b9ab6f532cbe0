/** Augmentation and crops: pure functions of pixels and of numbers drawn from (seed, epoch, index). */
import type { Recipe } from '../../bundle/recipe';
import { Random } from '../../base/random';
import { allocatePixels, bitsOf, type Pixels } from '../../tensors/pixels';

export type Augment = Pick<Recipe['augment'], 'pad' | 'flip' | 'cropScale'> &
  Partial<Pick<Recipe['augment'], 'randAugment' | 'magnitude' | 'cutout'>>;

/** Pixels [height * width * channels] in row, column, channel order. */
export interface DecodedImage {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  readonly pixels: Pixels;
}

/** A rectangle of an image, in its pixels. */
export interface Box {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** The stream that augments image `index` of the source in `epoch`. */
export const augmentRandom = (seed: number, epoch: number, index: number) =>
  new Random(seed, 'augment', epoch, index);

/**
 * Writes `image` into `out`, of the same shape: moved by (right, down) pixels with zeros coming in, then mirrored left and
 * right where `mirrored`.
 */
function place(image: DecodedImage, out: Pixels, right: number, down: number, mirrored: boolean): void {
  const { width, height, channels, pixels } = image;
  if (right !== 0 || down !== 0) out.fill(0);
  const from = Math.max(0, -right);
  const to = Math.min(width, width - right);
  if (from >= to) return;
  for (let row = Math.max(0, down); row < Math.min(height, height + down); row++) {
    const source = (row - down) * width;
    if (!mirrored) {
      const line = pixels.subarray((source + from) * channels, (source + to) * channels);
      out.set(line, (row * width + from + right) * channels);
      continue;
    }
    let at = (row * width + width - to - right) * channels;
    for (let column = to - 1; column >= from; column--) {
      const pixel = (source + column) * channels;
      for (let c = 0; c < channels; c++) out[at++] = pixels[pixel + c];
    }
  }
}

/** Pads by `pad` zeros on every side and crops the original size back at (x, y) of the padded image, 0 <= x, y <= 2 pad. */
export function padCrop(image: DecodedImage, pad: number, x: number, y: number): DecodedImage {
  const pixels = allocatePixels(bitsOf(image.pixels), image.pixels.length);
  place(image, pixels, pad - x, pad - y, false);
  return { ...image, pixels };
}

/** Mirrors left and right. */
export function flip(image: DecodedImage): DecodedImage {
  const pixels = allocatePixels(bitsOf(image.pixels), image.pixels.length);
  place(image, pixels, 0, 0, true);
  return { ...image, pixels };
}

/**
 * The box of a random-resized crop: an area uniform in [minScale, 1] of the image's and a width/height ratio
 * log-uniform in [3/4, 4/3] times `aspect`, that of what it fills, redrawn up to ten times until it fits; then the largest
 * centred box of an allowed ratio.
 */
export function randomResizedBox(
  width: number,
  height: number,
  minScale: number,
  random: Random,
  aspect = 1,
): Box {
  const logLimit = Math.log(4 / 3);
  for (let attempt = 0; attempt < 10; attempt++) {
    const area = width * height * (minScale + (1 - minScale) * random.uniform());
    const ratio = aspect * Math.exp(logLimit * (2 * random.uniform() - 1));
    const w = Math.round(Math.sqrt(area * ratio));
    const h = Math.round(Math.sqrt(area / ratio));
    if (w < 1 || h < 1 || w > width || h > height) continue;
    return { left: random.integer(width - w + 1), top: random.integer(height - h + 1), width: w, height: h };
  }
  const w = Math.max(1, Math.min(width, Math.round((height * aspect * 4) / 3)));
  const h = Math.max(1, Math.min(height, Math.round((width * 4) / (3 * aspect))));
  return { left: (width - w) >> 1, top: (height - h) >> 1, width: w, height: h };
}

/** Resize so that the shorter side is size / CENTER_CROP, then cut the middle: the field's evaluation of 256 and 224. */
export const CENTER_CROP = 0.875;

/** Sides in pixels. */
interface Sides {
  readonly width: number;
  readonly height: number;
}

/** The largest box in the middle that has the ratio of `target`. */
export const middleBox = (width: number, height: number, target: Sides): Box =>
  boxInside(width, height, target, 1);

/** In the middle, `part` of the largest box that has the ratio of `target`. */
function boxInside(width: number, height: number, target: Sides, part: number): Box {
  const scaled = (side: number) => Math.max(1, Math.round(part * side));
  const w = scaled(Math.min(width, (height * target.width) / target.height));
  const h = scaled(Math.min(height, (width * target.height) / target.width));
  return { left: (width - w) >> 1, top: (height - h) >> 1, width: w, height: h };
}

/**
 * The box that evaluation sees: in the middle, 7/8 of the largest one that has the ratio of `target` (of a square: of the
 * shorter side); everything where the size is right already.
 */
export function centerBox(width: number, height: number, target: Sides): Box {
  if (width === target.width && height === target.height) return { left: 0, top: 0, width, height };
  return boxInside(width, height, target, CENTER_CROP);
}

/** Pad-and-crop and flip, as `augment` asks for, drawn in this order from `random`; the pixels go into `out`. */
export function padCropFlip(
  image: DecodedImage,
  pad: number,
  flips: boolean,
  random: Random,
  out: Pixels = allocatePixels(bitsOf(image.pixels), image.pixels.length),
): DecodedImage {
  const x = pad > 0 ? random.integer(2 * pad + 1) : 0;
  const y = pad > 0 ? random.integer(2 * pad + 1) : 0;
  place(image, out, pad - x, pad - y, flips && random.uniform() < 0.5);
  return { ...image, pixels: out };
}
