/**
 * Strong augmentation of small images: RandAugment (Cubuk et al. 2019, arXiv:1909.13719) as FixMatch (Sohn et al. 2020,
 * arXiv:2001.07685) uses it, a random strength for each operation, and Cutout (DeVries and Taylor 2017, arXiv:1708.04552).
 *
 * The full ranges, magnitude 1, are those of the table of transformations in FixMatch's appendix:
 *
 * | operation                              | parameter                               | range        | identity |
 * | -------------------------------------- | --------------------------------------- | ------------ | -------- |
 * | brightness, color, contrast, sharpness | factor                                  | 0.05 .. 0.95 | 1        |
 * | posterize                              | bits, an integer                        | 4 .. 8       | 8        |
 * | solarize                               | threshold; in the paper divided by 256  | 0 .. 256     | 256      |
 * | rotate                                 | degrees                                 | -30 .. 30    | 0        |
 * | shearX, shearY                         | slope                                   | -0.3 .. 0.3  | 0        |
 * | translateX, translateY                 | share of the side                       | -0.3 .. 0.3  | 0        |
 * | identity, autoContrast, equalize       | none                                    |              |          |
 *
 * The factors only weaken, as in that table; FixMatch's released code and most RandAugments have 0.1 .. 1.9 instead. The
 * code also applies each operation with probability 1/2; here every operation drawn is applied, and `identity` is one.
 *
 * A magnitude m shrinks the distance of both ends from the identity to m of it: factors in 1 - 0.95 m .. 1 - 0.05 m, angles
 * in -30 m .. 30 m. Operations without a parameter keep their full effect at every magnitude.
 */
import {
  autoContrast,
  brightness,
  color,
  contrast,
  equalize,
  posterize,
  sharpness,
  solarize,
} from './colourOps';
import { GRAY, rotate, shearX, shearY, translateX, translateY } from './geometryOps';
import type { Random } from '../../base/random';
import { allocatePixels, bitsOf } from '../../tensors/pixels';
import type { DecodedImage } from './transforms';

/** How strongly to augment. */
export interface StrongAugment {
  /** Operations drawn for an image, one after the other. */
  readonly operations: number;
  /** Share of the full ranges, in (0, 1]. */
  readonly magnitude: number;
  /** Side of the square that is cut out, in pixels; 0 for none. */
  readonly cutout: number;
}

interface Operation {
  readonly name: string;
  /** The parameter at place `u` in [0, 1) of its range, which `magnitude` draws towards the identity. */
  readonly parameter: (u: number, magnitude: number) => number;
  /** May return the image itself. */
  readonly apply: (image: DecodedImage, parameter: number) => DecodedImage;
}

const none = () => 0;
const factor = (u: number, magnitude: number) => 1 - magnitude * (0.95 - 0.9 * u);
const bits = (u: number, magnitude: number) => 8 - Math.floor(u * (4 * magnitude + 1));
const threshold = (u: number, magnitude: number) => 256 * (1 - magnitude * u);
const within = (limit: number) => (u: number, magnitude: number) => limit * magnitude * (2 * u - 1);

/** The table above. Its order is part of what a stream of random numbers means. */
export const OPERATIONS: readonly Operation[] = [
  { name: 'identity', parameter: none, apply: (image) => image },
  { name: 'autoContrast', parameter: none, apply: autoContrast },
  { name: 'equalize', parameter: none, apply: equalize },
  { name: 'brightness', parameter: factor, apply: brightness },
  { name: 'color', parameter: factor, apply: color },
  { name: 'contrast', parameter: factor, apply: contrast },
  { name: 'sharpness', parameter: factor, apply: sharpness },
  { name: 'posterize', parameter: bits, apply: posterize },
  { name: 'solarize', parameter: threshold, apply: solarize },
  { name: 'rotate', parameter: within(30), apply: rotate },
  { name: 'shearX', parameter: within(0.3), apply: shearX },
  { name: 'shearY', parameter: within(0.3), apply: shearY },
  {
    name: 'translateX',
    parameter: within(0.3),
    apply: (image, share) => translateX(image, share * image.width),
  },
  {
    name: 'translateY',
    parameter: within(0.3),
    apply: (image, share) => translateY(image, share * image.height),
  },
];

/** One operation, all alike, and its parameter. Takes two numbers from `random` whatever is drawn. */
export function drawOperation(
  magnitude: number,
  random: Random,
): { operation: Operation; parameter: number } {
  const operation = OPERATIONS[random.integer(OPERATIONS.length)];
  return { operation, parameter: operation.parameter(random.uniform(), magnitude) };
}

/** Draws and applies `operations` operations. Leaves `image` as it is, and may return it where nothing changes. */
export function randAugment(
  image: DecodedImage,
  operations: number,
  magnitude: number,
  random: Random,
): DecodedImage {
  let result = image;
  for (let i = 0; i < operations; i++) {
    const { operation, parameter } = drawOperation(magnitude, random);
    result = operation.apply(result, parameter);
  }
  return result;
}

/**
 * Fills a square of `side` x `side` pixels with gray, clipped at the border: its centre is a pixel of the image, all alike,
 * and of an even side the pixel right of and below the middle. Takes two numbers from `random`. Leaves `image` as it is.
 */
export function cutout(image: DecodedImage, side: number, random: Random): DecodedImage {
  const { width, height, channels } = image;
  const bits = bitsOf(image.pixels);
  const pixels = allocatePixels(bits, image.pixels.length);
  pixels.set(image.pixels);
  const gray = bits === 16 ? 257 * GRAY : GRAY;
  const left = random.integer(width) - (side >> 1);
  const top = random.integer(height) - (side >> 1);
  const from = Math.max(0, left);
  const to = Math.min(width, left + side);
  for (let row = Math.max(0, top); row < Math.min(height, top + side); row++) {
    pixels.fill(gray, (row * width + from) * channels, (row * width + to) * channels);
  }
  return { ...image, pixels };
}

/** RandAugment, then Cutout. Takes 2 * operations + 2 numbers from `random`. The result owns its pixels. */
export const strongAugment = (image: DecodedImage, settings: StrongAugment, random: Random): DecodedImage =>
  cutout(randAugment(image, settings.operations, settings.magnitude, random), settings.cutout, random);
