/**
 * What covers the shapes of the embedded data set: colours, textures, smooth noise, each a field over the image.
 *
 * Only +, -, *, /, floor and sqrt are used, which IEEE 754 rounds in one way, so that images are the same bytes on every
 * machine; Math.sin and its kind may differ in the last bit from one engine to the next.
 */
import type { Random } from '../../../base/random';

// Taken out of Math once: a global's look-up costs far more than the call where globals are virtual, as in jest.
const { floor, min, sqrt } = Math;

/** Height and width of an image in pixels. */
export const SIZE = 32;

/** One value a pixel: float64 [32 * 32], row by row. Pixel (row, column) has its centre at x = column + 0.5, y = row + 0.5. */
export type Field = Float64Array;

/** Three channels, about 0 .. 1. */
export type Colour = readonly [number, number, number];

export const clamp = (x: number, low: number, high: number) => (x < low ? low : x > high ? high : x);

/** Uniform in [low, high). */
export const between = (random: Random, low: number, high: number) => low + (high - low) * random.uniform();

/** 3t^2 - 2t^3 for t in [0, 1]. */
const smooth = (t: number) => t * t * (3 - 2 * t);

/** A wave of period 1 close to cos(2 pi t), from two cubic arcs: 1 at 0, 0 at 1/4, -1 at 1/2. */
function wave(t: number): number {
  const part = t - floor(t);
  return 2 * smooth(part < 0.5 ? 1 - 2 * part : 2 * part - 1) - 1;
}

/** A unit vector, near the angle of `turns` of a full turn from the x axis. */
export function direction(turns: number): readonly [number, number] {
  const x = wave(turns);
  const y = wave(turns - 0.25);
  const length = sqrt(x * x + y * y);
  return [x / length, y / length];
}

/** A colour of the given brightness (mean of its channels), any hue, `vividness` from 0 (grey) to 1. */
export function drawColour(random: Random, brightness: number, vividness: number): Colour {
  const hue = random.uniform();
  const chroma = vividness * min(brightness, 1 - brightness);
  return [
    brightness + chroma * wave(hue),
    brightness + chroma * wave(hue - 1 / 3),
    brightness + chroma * wave(hue - 2 / 3),
  ];
}

/** Rises from -slope/2 to slope/2 across the image, along a random direction. */
export function drawRamp(random: Random, slope: number): Field {
  const [dx, dy] = direction(random.uniform());
  const field = new Float64Array(SIZE * SIZE);
  for (let i = 0; i < field.length; i++) {
    const x = (i % SIZE) + 0.5 - SIZE / 2;
    const y = floor(i / SIZE) + 0.5 - SIZE / 2;
    field[i] = (slope * (dx * x + dy * y)) / SIZE;
  }
  return field;
}

/** Value noise in [-1, 1]: a grid of cells x cells random values, smoothly interpolated. */
export function drawNoise(random: Random, cells: number): Field {
  const side = cells + 1;
  const values = new Float64Array(side * side);
  for (let i = 0; i < values.length; i++) values[i] = between(random, -1, 1);
  const field = new Float64Array(SIZE * SIZE);
  for (let row = 0, at = 0; row < SIZE; row++) {
    const v = ((row + 0.5) / SIZE) * cells;
    const b = smooth(v - floor(v));
    for (let column = 0; column < SIZE; column++, at++) {
      const u = ((column + 0.5) / SIZE) * cells;
      const a = smooth(u - floor(u));
      const corner = floor(v) * side + floor(u);
      const top = values[corner] + a * (values[corner + 1] - values[corner]);
      const bottom = values[corner + side] + a * (values[corner + side + 1] - values[corner + side]);
      field[at] = top + b * (bottom - top);
    }
  }
  return field;
}

export type Pattern = 'stripes' | 'spots' | 'plain';

/** A pattern in [-1, 1] of random pitch (3.4 to 5 pixels), angle, phase and sign; plain is one random value. */
export function drawTexture(random: Random, pattern: Pattern): Field {
  const field = new Float64Array(SIZE * SIZE);
  if (pattern === 'plain') return field.fill(between(random, -1, 1));
  const frequency = 1 / between(random, 3.4, 5);
  const [dx, dy] = direction(random.uniform());
  const phaseU = random.uniform();
  const phaseV = random.uniform();
  const sign = random.uniform() < 0.5 ? -1 : 1;
  for (let i = 0; i < field.length; i++) {
    const x = (i % SIZE) + 0.5;
    const y = floor(i / SIZE) + 0.5;
    const along = wave(frequency * (dx * x + dy * y) + phaseU);
    if (pattern === 'stripes') field[i] = sign * along;
    else field[i] = sign * clamp(along + wave(frequency * (dx * y - dy * x) + phaseV), -1, 1);
  }
  return field;
}
