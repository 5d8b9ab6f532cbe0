/** Shapes of what is hidden of an image: places anywhere, one block, or rows. */
import type { Grid } from '../../bundle/checkRecipe';
import type { MaskShape } from '../../bundle/recipe';
import { patchOrder } from './masks';
import { Random } from '../../base/random';

/**
 * An order of the places of `grid` (row-major), visible ones first and the `hidden` ones last, both
 * ascending, as `patchOrder` gives it: drawn from (seed, epoch, index).
 */
export function shapedPatchOrder(
  shape: MaskShape,
  seed: number,
  epoch: number,
  index: number,
  grid: Grid,
  hidden: number,
): Int32Array {
  const patches = grid.rows * grid.columns;
  if (shape === 'random') return patchOrder(seed, epoch, index, patches, hidden);
  const random = new Random(seed, 'mask', shape, epoch, index);
  const places = new Set(shape === 'block' ? block(grid, hidden, random) : wholeRows(grid, hidden, random));
  const all = Int32Array.from({ length: patches }, (_, place) => place);
  return Int32Array.from([
    ...all.filter((place) => !places.has(place)),
    ...all.filter((place) => places.has(place)),
  ]);
}

/** A block as square as the number and the grid allow, lying or standing, anywhere; its last row may be short. */
function block({ rows, columns }: Grid, hidden: number, random: Random): number[] {
  const standing = random.integer(2) === 1;
  const [across, along] = standing ? [columns, rows] : [rows, columns];
  const long = Math.min(along, Math.max(Math.ceil(Math.sqrt(hidden)), Math.ceil(hidden / across)));
  const short = Math.ceil(hidden / long);
  const [first, second] = [random.integer(across - short + 1), random.integer(along - long + 1)];
  return Array.from({ length: hidden }, (_, i) => {
    const [a, b] = [first + Math.floor(i / long), second + (i % long)];
    return standing ? b * columns + a : a * columns + b;
  });
}

/** Whole rows that follow one another; the last one may be short. */
function wholeRows({ rows, columns }: Grid, hidden: number, random: Random): number[] {
  const first = random.integer(rows - Math.ceil(hidden / columns) + 1) * columns;
  return Array.from({ length: hidden }, (_, i) => first + i);
}
