/**
 * The embedded data set: 32 x 32 colour images in ten classes, generated from a seed.
 */
import { type Arrangement, distance, drawParts, facing, type Kind } from './embedded/shapes';
import {
  between,
  clamp,
  direction,
  drawColour,
  drawNoise,
  drawTexture,
  type Pattern,
} from './embedded/surface';
import { Random } from './random';

export type EmbeddedSplit = 'train' | 'test';

/** Images a split has when used as a data source; `embeddedImage` itself takes any index. */
export const EMBEDDED_SIZES: Readonly<Record<EmbeddedSplit, number>> = { train: 20_000, test: 2_000 };

/** Height and width in pixels, and channels. */
export const EMBEDDED_SIZE = 32;
const K = { c0: 1, c1: 1, s0: 11.5, s1: 14.5, place: 3, cl0: 1, cl1: 3, occ: 0.3, g0: 4, g1: 16, along: 0.5, rot: 0.03, ctex: 0, ...(JSON.parse(process.env.K ?? '{}') as object) };
const SIZE = EMBEDDED_SIZE;
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

const PATTERNS: Readonly<Record<Kind, Pattern>> = { disc: 'spots', box: 'stripes', triangle: 'plain' };

/** Names by label. */
export const EMBEDDED_CLASSES: readonly string[] = CLASSES.map((parts) => parts.join(' '));

/** The class of an image: every block of ten indices holds each class once, in an order of its own. */
export function embeddedLabel(seed: number, split: EmbeddedSplit, index: number): number {
  const count = CLASSES.length;
  const order = new Random(seed, 'embedded', split, 'labels', Math.floor(index / count)).permutation(count);
  return order[index % count];
}

/** float64 [32 * 32 * 3], row, column, channel; about 0 .. 1. */
type Canvas = Float64Array;

/** Calls `cover(x, y)` at pixel centres within `reach` of (cx, cy); it returns how much of `colour` to lay there. */
function paint(
  canvas: Canvas,
  [cx, cy]: readonly [number, number],
  reach: number,
  shade: (x: number, y: number, out: Float64Array) => number,
): void {
  const colour = new Float64Array(CHANNELS);
  const from = (centre: number) => clamp(Math.floor(centre - reach), 0, SIZE);
  const to = (centre: number) => clamp(Math.floor(centre + reach) + 1, 0, SIZE);
  for (let row = from(cy); row < to(cy); row++) {
    for (let column = from(cx); column < to(cx); column++) {
      const cover = shade(column + 0.5, row + 0.5, colour);
      if (cover <= 0) continue;
      const at = (row * SIZE + column) * CHANNELS;
      for (let c = 0; c < CHANNELS; c++) canvas[at + c] += cover * (colour[c] - canvas[at + c]);
    }
  }
}

const drawPlace = (random: Random, spread: number): readonly [number, number] => [
  SIZE / 2 + between(random, -spread, spread),
  SIZE / 2 + between(random, -spread, spread),
];

/** Two colours that run into each other across the image, unevenly. */
function paintBackground(canvas: Canvas, random: Random): void {
  const first = drawColour(random, between(random, 0.25, 0.75), 0.6);
  const second = drawColour(random, between(random, 0.25, 0.75), 0.6);
  const coarse = drawNoise(random, 4, SIZE);
  const fine = drawNoise(random, 10, SIZE);
  const [dx, dy] = direction(random.uniform());
  paint(canvas, [SIZE / 2, SIZE / 2], SIZE / 2, (x, y, out) => {
    const along = (dx * (x - SIZE / 2) + dy * (y - SIZE / 2)) / SIZE;
    const mix = clamp(0.5 + K.along * along + 0.2 * coarse(x, y), 0, 1);
    const gain = 1 + 0.1 * fine(x, y);
    for (let c = 0; c < CHANNELS; c++) out[c] = gain * (first[c] + mix * (second[c] - first[c]));
    return 1;
  });
}

/** A small plain disc or box anywhere. */
function paintClutter(canvas: Canvas, random: Random): void {
  const kind: Kind = random.uniform() < 0.5 ? 'disc' : 'box';
  const part = { kind, x: 0, y: 0, width: between(random, 1.2, 3.5), height: between(random, 1.2, 3.5) };
  const [cos, sin] = direction(random.uniform());
  const [px, py] = drawPlace(random, SIZE / 2);
  const colour = drawColour(random, between(random, 0.2, 0.8), 0.8);
  const texture = drawTexture(random, (['spots', 'stripes', 'plain'] as const)[random.integer(3)]);
  paint(canvas, [px, py], 6, (x, y, out) => {
    const cover = 0.5 - distance(part, cos * (x - px) + sin * (y - py), cos * (y - py) - sin * (x - px));
    const gain = 1 + K.ctex * texture(x, y);
    for (let c = 0; c < CHANNELS; c++) out[c] = colour[c] * gain;
    return clamp(cover, 0, 1);
  });
}

function paintObject(canvas: Canvas, random: Random, kinds: EmbeddedClass): void {
  const parts = drawParts(random, ...kinds);
  const scale = between(random, K.s0, K.s1);
  const [px, py] = drawPlace(random, K.place);
  const [cos, sin] = direction(between(random, -K.rot, K.rot));
  const [lx, ly] = direction(between(random, -0.45, -0.05));
  const shading = between(random, 0.15, 0.35);
  // Both parts have the same two colours: what tells them apart is pattern and outline, not hue.
  const dark = drawColour(random, between(random, 0.1, 0.35), 0.9);
  const bright = drawColour(random, between(random, 0.6, 0.85), 0.9);
  for (const part of parts) {
    const texture = drawTexture(random, PATTERNS[part.kind]);
    const contrast = between(random, K.c0, K.c1);
    const tone = between(random, 0.85, 1.15);
    paint(canvas, [px, py], 1.6 * scale, (x, y, out) => {
      const u = (cos * (x - px) + sin * (y - py)) / scale;
      const v = (cos * (y - py) - sin * (x - px)) / scale;
      const cover = clamp(0.5 - scale * distance(part, u, v), 0, 1);
      if (cover > 0) {
        const gain = tone * (1 + shading * facing(part, u, v, lx, ly));
        const mix = 0.5 + 0.5 * contrast * texture(x, y);
        for (let c = 0; c < CHANNELS; c++) out[c] = gain * (dark[c] + mix * (bright[c] - dark[c]));
      }
      return cover;
    });
  }
}

/**
 * One image: `pixels` is uint8 [32 * 32 * 3] in row, column, channel order, `label` indexes EMBEDDED_CLASSES.
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
  paintBackground(canvas, random);
  for (let left = K.cl0 + random.integer(K.cl1); left > 0; left--) paintClutter(canvas, random);
  paintObject(canvas, random, CLASSES[label]);
  if (random.uniform() < K.occ) paintClutter(canvas, random);
  const [gx, gy] = direction(random.uniform());
  const slope = between(random, 0, 0.4) / SIZE;
  const light = between(random, 0.75, 1.2);
  const grain = between(random, K.g0, K.g1);

  const pixels = new Uint8Array(SIZE * SIZE * CHANNELS);
  for (let row = 0, at = 0; row < SIZE; row++) {
    for (let column = 0; column < SIZE; column++) {
      const x = column + 0.5;
      const y = row + 0.5;
      const gain = 255 * light * (1 + slope * (gx * (x - SIZE / 2) + gy * (y - SIZE / 2)));
      const bits = random.nextUint32();
      for (let c = 0; c < CHANNELS; c++) {
        const noise = ((bits >>> (10 * c)) & 1023) / 1023 - 0.5;
        pixels[at] = clamp(Math.floor(gain * canvas[at] + grain * noise + 0.5), 0, 255);
        at++;
      }
    }
  }
  return { pixels, label };
}
