/**
 * What covers the shapes of the embedded data set: directions, colours, textures, smooth noise.
 *
 * Only +, -, *, /, floor and sqrt are used, which IEEE 754 rounds in one way, so that images are the same bytes on every
 * machine; Math.sin and its kind may differ in the last bit from one engine to the next.
 */
import type { Random } from '../random';

/** Three channels, about 0 .. 1. */
export type Colour = readonly [number, number, number];

export const clamp = (x: number, low: number, high: number) => (x < low ? low : x > high ? high : x);

/** 3t^2 - 2t^3 for t in [0, 1]. */
const smooth = (t: number) => t * t * (3 - 2 * t);

/** A wave of period 1 close to cos(2 pi t), from two cubic arcs: 1 at 0, 0 at 1/4, -1 at 1/2. */
export function wave(t: number): number {
  const part = t - Math.floor(t);
  return 2 * smooth(part < 0.5 ? 1 - 2 * part : 2 * part - 1) - 1;
}

/** Uniform in [low, high). */
export const between = (random: Random, low: number, high: number) => low + (high - low) * random.uniform();

/** The unit vector at `turns` of a full turn from the x axis (nearly; its length is 1 up to rounding). */
export function direction(turns: number): readonly [number, number] {
  const x = wave(turns);
  const y = wave(turns - 0.25);
  const length = Math.sqrt(x * x + y * y);
  return [x / length, y / length];
}

/** A colour of the given brightness (mean of its channels), any hue, `vividness` from 0 (grey) on. */
export function drawColour(random: Random, brightness: number, vividness: number): Colour {
  const hue = random.uniform();
  const chroma = vividness * Math.min(brightness, 1 - brightness);
  return [
    brightness + chroma * wave(hue),
    brightness + chroma * wave(hue - 1 / 3),
    brightness + chroma * wave(hue - 2 / 3),
  ];
}

export type Pattern = 'stripes' | 'spots' | 'plain';

/** A pattern on the plane: its value in [-1, 1] at (x, y), lengths in pixels. */
export type Texture = (x: number, y: number) => number;

/** A texture of random pitch, angle, phase and sign. */
export function drawTexture(random: Random, pattern: Pattern): Texture {
  const plain = between(random, -1, 1);
  if (pattern === 'plain') return () => plain;
  const [c, s] = direction(random.uniform());
  const frequency = 1 / between(random, 3.4, 5);
  const phaseU = random.uniform();
  const phaseV = random.uniform();
  const sign = random.uniform() < 0.5 ? -1 : 1;
  if (pattern === 'stripes') return (x, y) => sign * wave((c * x + s * y) * frequency + phaseU);
  return (x, y) => {
    const u = wave((c * x + s * y) * frequency + phaseU);
    const v = wave((c * y - s * x) * frequency + phaseV);
    return sign * clamp(u + v, -1, 1);
  };
}

/** Value noise in [-1, 1] over the image: a grid of `cells` x `cells` random values, smoothly interpolated. */
export function drawNoise(random: Random, cells: number, size: number): Texture {
  const side = cells + 1;
  const values = Float64Array.from({ length: side * side }, () => between(random, -1, 1));
  return (x, y) => {
    const u = (x / size) * cells;
    const v = (y / size) * cells;
    const column = Math.floor(u);
    const row = Math.floor(v);
    const a = smooth(u - column);
    const b = smooth(v - row);
    const at = row * side + column;
    const top = values[at] + a * (values[at + 1] - values[at]);
    const bottom = values[at + side] + a * (values[at + side + 1] - values[at + side]);
    return top + b * (bottom - top);
  };
}
