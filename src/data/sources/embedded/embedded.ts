/**
 * The embedded data set: 32 x 32 colour images in ten classes, generated from a seed.
 *
 * An image shows one object of two parts before a cluttered ground. The class says which parts and how they are arranged;
 * place, size, proportions, tilt, colours, contrast, clutter, light and grain are drawn apart from it. embedded.md beside
 * this file has a picture and figures.
 */
import { type Arrangement, drawParts, type Kind, rasterize } from './shapes';
import {
  between,
  clamp,
  direction,
  drawColour,
  drawNoise,
  drawRamp,
  drawTexture,
  type Pattern,
  SIZE,
} from './surface';
import { Random } from '../../../base/random';

// Taken out of Math once: a global's look-up costs far more than the call where globals are virtual, as in jest.
const { floor } = Math;

export type EmbeddedSplit = 'train' | 'test';

/** Images a split has when used as a data source; `embeddedImage` itself takes any index. */
export const EMBEDDED_SIZES: Readonly<Record<EmbeddedSplit, number>> = { train: 20_000, test: 2_000 };

/** Height and width in pixels. */
export const EMBEDDED_SIZE = SIZE;
const CHANNELS = 3;

type EmbeddedClass = readonly [first: Kind, arrangement: Arrangement, second: Kind];

const CLASSES: readonly EmbeddedClass[] = [
  ['disc', 'over', 'box'],
  ['box', 'over', 'disc'],
  ['disc', 'over', 'triangle'],
  ['triangle', 'over', 'disc'],
  ['box', 'over', 'triangle'],
  ['triangle', 'over', 'box'],
  ['disc', 'inside', 'box'],
  ['box', 'inside', 'disc'],
  ['triangle', 'inside', 'box'],
  ['triangle', 'inside', 'disc'],
];

/** A part's surface belongs to its kind. */
const PATTERNS: Readonly<Record<Kind, Pattern>> = { disc: 'spots', box: 'stripes', triangle: 'plain' };

/** Names by label. */
export const EMBEDDED_CLASSES: readonly string[] = CLASSES.map((parts) => parts.join(' '));

/** The class of an image: every block of ten indices holds each class once, in an order of its own. */
export function embeddedLabel(seed: number, split: EmbeddedSplit, index: number): number {
  const count = CLASSES.length;
  const order = new Random(seed, 'embedded', split, 'labels', floor(index / count)).permutation(count);
  return order[index % count];
}

/** float64 [32 * 32 * 3], row, column, channel; about 0 .. 1. */
type Canvas = Float64Array;

/** Two colours that run into each other across the image, unevenly. */
function paintGround(canvas: Canvas, random: Random): void {
  const first = drawColour(random, between(random, 0.25, 0.75), 0.6);
  const second = drawColour(random, between(random, 0.25, 0.75), 0.6);
  const ramp = drawRamp(random, 1);
  const coarse = drawNoise(random, 4);
  const fine = drawNoise(random, 10);
  for (let i = 0, at = 0; i < ramp.length; i++) {
    const mix = clamp(0.5 + ramp[i] + 0.2 * coarse[i], 0, 1);
    const gain = 1 + 0.1 * fine[i];
    for (let c = 0; c < CHANNELS; c++) canvas[at++] = gain * (first[c] + mix * (second[c] - first[c]));
  }
}

/** A small plain disc or box anywhere. */
function paintClutter(canvas: Canvas, random: Random): void {
  const kind: Kind = random.uniform() < 0.5 ? 'disc' : 'box';
  const part = { kind, y: 0, width: between(random, 1.2, 3.5), height: between(random, 1.2, 3.5) };
  const pose = {
    x: between(random, 0, SIZE),
    y: between(random, 0, SIZE),
    scale: 1,
    axis: direction(random.uniform()),
  };
  const colour = drawColour(random, between(random, 0.2, 0.8), 0.8);
  const { cover } = rasterize(part, pose);
  for (let i = 0; i < cover.length; i++) {
    if (cover[i] === 0) continue;
    for (let c = 0, at = i * CHANNELS; c < CHANNELS; c++, at++) {
      canvas[at] += cover[i] * (colour[c] - canvas[at]);
    }
  }
}

function paintObject(canvas: Canvas, random: Random, kinds: EmbeddedClass): void {
  const parts = drawParts(random, ...kinds);
  const pose = {
    x: SIZE / 2 + between(random, -3, 3),
    y: SIZE / 2 + between(random, -3, 3),
    scale: between(random, 11, 14.5),
    axis: direction(between(random, -0.04, 0.04)),
  };
  // From above, left or right.
  const light = direction(between(random, -0.45, -0.05));
  const shading = between(random, 0.15, 0.35);
  // Both parts have the same two colours: what tells them apart is pattern and outline, not hue.
  const dark = drawColour(random, between(random, 0.1, 0.35), 0.9);
  const bright = drawColour(random, between(random, 0.6, 0.85), 0.9);
  for (const part of parts) {
    const texture = drawTexture(random, PATTERNS[part.kind]);
    const contrast = between(random, 0.35, 0.9);
    const tone = between(random, 0.85, 1.15);
    const { cover, facing } = rasterize(part, pose, light);
    for (let i = 0; i < cover.length; i++) {
      if (cover[i] === 0) continue;
      const mix = 0.5 + 0.5 * contrast * texture[i];
      const gain = tone * (1 + shading * facing[i]);
      for (let c = 0, at = i * CHANNELS; c < CHANNELS; c++, at++) {
        canvas[at] += cover[i] * (gain * (dark[c] + mix * (bright[c] - dark[c])) - canvas[at]);
      }
    }
  }
}

/** uint8 [32 * 32 * 3] of a canvas under a light that falls off to one side, with grain. */
function expose(canvas: Canvas, random: Random): Uint8Array {
  const light = 255 * between(random, 0.75, 1.2);
  const ramp = drawRamp(random, between(random, 0, 0.4));
  const grain = between(random, 4, 28);
  const pixels = new Uint8Array(canvas.length);
  for (let i = 0, at = 0; i < ramp.length; i++) {
    const gain = light * (1 + ramp[i]);
    // Ten bits of one draw for each channel.
    const bits = random.nextUint32();
    for (let c = 0; c < CHANNELS; c++, at++) {
      const noise = ((bits >>> (10 * c)) & 1023) / 1023 - 0.5;
      pixels[at] = clamp(floor(gain * canvas[at] + grain * noise + 0.5), 0, 255);
    }
  }
  return pixels;
}

/**
 * Image `index` of a split: `pixels` is uint8 [32 * 32 * 3] in row, column, channel order, `label` indexes
 * EMBEDDED_CLASSES. It depends on nothing but its arguments. Throws a RangeError where index is no whole number >= 0.
 */
export function embeddedImage(
  seed: number,
  split: EmbeddedSplit,
  index: number,
): { pixels: Uint8Array; label: number } {
  if (!Number.isSafeInteger(index) || index < 0) {
    throw new RangeError(`embeddedImage: index ${index} is not a whole number >= 0`);
  }
  const label = embeddedLabel(seed, split, index);
  const random = new Random(seed, 'embedded', split, 'scene', index);
  const canvas = new Float64Array(SIZE * SIZE * CHANNELS);
  paintGround(canvas, random);
  for (let left = 1 + random.integer(4); left > 0; left--) paintClutter(canvas, random);
  paintObject(canvas, random, CLASSES[label]);
  if (random.uniform() < 0.4) paintClutter(canvas, random);
  return { pixels: expose(canvas, random), label };
}
