/** Shapes of what is hidden of an image: places anywhere, one block, or rows. */
import type { MaskShape } from '../../bundle/recipe';
import { patchOrder } from './masks';
import { Random } from '../../base/random';

/**
 * An order of the places of a `grid` x `grid` image (row-major), visible ones first and the `hidden` ones last, both
 * ascending, as `patchOrder` gives it: drawn from (seed, epoch, index).
 */
export function shapedPatchOrder(
  shape: MaskShape,
  seed: number,
  epoch: number,
  index: number,
  grid: number,
  hidden: number,
): Int32Array {
  const patches = grid * grid;
  if (shape === 'random') return patchOrder(seed, epoch, index, patches, hidden);
  const random = new Random(seed, 'mask', shape, epoch, index);
  const places = new Set(shape === 'block' ? block(grid, hidden, random) : rows(grid, hidden, random));
  const all = Int32Array.from({ length: patches }, (_, place) => place);
  return Int32Array.from([
    ...all.filter((place) => !places.has(place)),
    ...all.filter((place) => places.has(place)),
  ]);
}

/** A block as square as the number allows, lying or standing, anywhere; its last row may be short. */
function block(grid: number, hidden: number, random: Random): number[] {
  const long = Math.ceil(Math.sqrt(hidden));
  const short = Math.ceil(hidden / long);
  const standing = random.integer(2) === 1;
  const [first, second] = [random.integer(grid - short + 1), random.integer(grid - long + 1)];
  return Array.from({ length: hidden }, (_, i) => {
    const [a, b] = [first + Math.floor(i / long), second + (i % long)];
    return standing ? b * grid + a : a * grid + b;
  });
}

/** Whole rows that follow one another; the last one may be short. */
function rows(grid: number, hidden: number, random: Random): number[] {
  const first = random.integer(grid - Math.ceil(hidden / grid) + 1) * grid;
  return Array.from({ length: hidden }, (_, i) => first + i);
}
