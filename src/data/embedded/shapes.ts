/** The parts of the embedded data set (disc, box, triangle) and the arrangements in which an object holds two of them. */
import type { Random } from '../random';
import { between, clamp } from './surface';

export type Kind = 'disc' | 'box' | 'triangle';

/** A part in the object's own coordinates: x right, y down, the object about 2 high and wide around the origin. */
export interface Part {
  readonly kind: Kind;
  readonly x: number;
  readonly y: number;
  /** Half width and half height. */
  readonly width: number;
  readonly height: number;
}

/** How two parts stand to each other: the first above the second, or on it. */
export type Arrangement = 'over' | 'inside';

/** Signed distance from (x, y) to the part's edge, negative within; exact or close near the edge. */
export function distance(part: Part, x: number, y: number): number {
  const dx = x - part.x;
  const dy = y - part.y;
  if (part.kind === 'disc') {
    const u = dx / part.width;
    const v = dy / part.height;
    const radius = Math.sqrt(u * u + v * v);
    const slope = Math.sqrt((u * u) / (part.width * part.width) + (v * v) / (part.height * part.height));
    return slope < 1e-9 ? -Math.min(part.width, part.height) : (radius * (radius - 1)) / slope;
  }
  if (part.kind === 'triangle') {
    // Apex up: two slanted edges and the base.
    const { width, height } = part;
    const slant = (2 * height * Math.abs(dx) - width * (dy + height)) / Math.sqrt(4 * height * height + width * width);
    return Math.max(slant, dy - height);
  }
  const a = Math.abs(dx) - part.width;
  const b = Math.abs(dy) - part.height;
  const outside = Math.sqrt(Math.max(a, 0) * Math.max(a, 0) + Math.max(b, 0) * Math.max(b, 0));
  return outside + Math.min(Math.max(a, b), 0);
}

/** Slope of the part's rounded surface along (lx, ly) in about [-1, 1]: 1 on the edge that faces the light. */
export function facing(part: Part, x: number, y: number, lx: number, ly: number): number {
  const u = clamp((x - part.x) / part.width, -1, 1);
  const v = clamp((y - part.y) / part.height, -1, 1);
  return u * lx + v * ly;
}

/** The two parts of an object, back part first, with proportions drawn around the standard ones. */
export function drawParts(random: Random, first: Kind, arrangement: Arrangement, second: Kind): readonly [Part, Part] {
  const jitter = (value: number) => value * between(random, 0.88, 1.12);
  const part = (kind: Kind, y: number, size: number): Part => {
    // About equal areas.
    const base = kind === 'disc' ? size : kind === 'box' ? 0.9 * size : 1.1 * size;
    return { kind, x: 0, y, width: jitter(base), height: jitter(base) };
  };
  if (arrangement === 'over') return [part(second, 0.5, 0.58), part(first, -0.5, 0.58)];
  const back = part(second, 0, 1);
  // A triangle's middle lies below the middle of its height.
  return [back, part(first, second === 'triangle' ? 0.3 : 0, 0.5)];
}
