/** The parts of the embedded data set (disc, box, triangle), how two of them form an object, and what they cover. */
import type { Random } from '../../../base/random';
import { between, clamp, type Field, SIZE } from './surface';

// Taken out of Math once: a global's look-up costs far more than the call where globals are virtual, as in jest.
const { abs, floor, max, sqrt } = Math;

export type Kind = 'disc' | 'box' | 'triangle';

/** How two parts stand to each other: the first above the second, or on its middle. */
export type Arrangement = 'over' | 'inside';

/** A part in its object's coordinates: x right, y down, the object about 2 high and wide around the origin. */
export interface Part {
  readonly kind: Kind;
  /** Its middle; x is 0. */
  readonly y: number;
  /** Half width and half height. */
  readonly width: number;
  readonly height: number;
}

/** Where an object is: its origin in pixels, pixels a unit, and the unit vector of its x axis. */
export interface Pose {
  readonly x: number;
  readonly y: number;
  readonly scale: number;
  readonly axis: readonly [number, number];
}

/** Signed distance from (x, y) to the part's edge, negative within; exact or close near the edge. */
function distance({ kind, y: middle, width, height }: Part, x: number, y: number): number {
  const dx = x < 0 ? -x : x;
  const dy = y - middle;
  if (kind === 'disc') {
    const u = dx / width;
    const v = dy / height;
    const radius = sqrt(u * u + v * v);
    // A first-order step: (radius - 1) over the slope of radius at this point.
    const slope = sqrt((u * u) / (width * width) + (v * v) / (height * height)) / (radius + 1e-9);
    return (radius - 1) / (slope + 1e-9);
  }
  if (kind === 'triangle') {
    // Apex up: a slanted edge on each side, and the base.
    const slant = 2 * height * dx - width * (dy + height);
    return max(slant / sqrt(4 * height * height + width * width), dy - height);
  }
  return max(dx - width, (dy < 0 ? -dy : dy) - height);
}

/**
 * How much of each pixel the part covers, in [0, 1], and its light: the slope of its rounded surface along `light`, in
 * about [-1, 1], 1 at the edge that faces the light (in the object's coordinates).
 */
export function rasterize(
  part: Part,
  { x: px, y: py, scale, axis: [cos, sin] }: Pose,
  [lx, ly]: readonly [number, number] = [0, 0],
): { cover: Field; facing: Field } {
  const cover = new Float64Array(SIZE * SIZE);
  const facing = new Float64Array(SIZE * SIZE);
  const reach = scale * (abs(part.y) + part.width + part.height) + 1;
  const first = (centre: number) => clamp(floor(centre - reach), 0, SIZE);
  const last = (centre: number) => clamp(floor(centre + reach) + 1, 0, SIZE);
  for (let row = first(py); row < last(py); row++) {
    for (let column = first(px); column < last(px); column++) {
      const dx = (column + 0.5 - px) / scale;
      const dy = (row + 0.5 - py) / scale;
      const u = cos * dx + sin * dy;
      const v = cos * dy - sin * dx;
      const covered = 0.5 - scale * distance(part, u, v);
      if (covered <= 0) continue;
      const at = row * SIZE + column;
      cover[at] = covered < 1 ? covered : 1;
      facing[at] = (u / part.width) * lx + ((v - part.y) / part.height) * ly;
    }
  }
  return { cover, facing };
}

/** The two parts of an object, the back one first, with proportions drawn around the standard ones. */
export function drawParts(
  random: Random,
  first: Kind,
  arrangement: Arrangement,
  second: Kind,
): readonly [Part, Part] {
  const part = (kind: Kind, y: number, size: number): Part => {
    const like = kind === 'disc' ? size : kind === 'box' ? 0.9 * size : 1.1 * size;
    return { kind, y, width: like * between(random, 0.88, 1.12), height: like * between(random, 0.88, 1.12) };
  };
  if (arrangement === 'over') return [part(second, 0.5, 0.58), part(first, -0.5, 0.58)];
  return [part(second, 0, 1), part(first, 0, 0.5)];
}
