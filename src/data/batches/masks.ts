/** Which patches are hidden: a fresh draw for each image and epoch. */
import { Random } from '../../base/random';

/**
 * A permutation of the places 0 .. patches-1 (row-major in the grid) with the `hidden` ones last, drawn from
 * (seed, epoch, index). Every set of hidden places is equally likely. Within the visible and within the hidden places the
 * order is ascending: the network treats either group as a set, so their order carries nothing.
 * @param index of the image in its source
 */
export function patchOrder(
  seed: number,
  epoch: number,
  index: number,
  patches: number,
  hidden: number,
): Int32Array {
  if (!(hidden > 0 && hidden < patches)) {
    throw new RangeError(`hidden must be in 1 .. ${patches - 1}, got ${hidden}`);
  }
  const order = new Random(seed, 'mask', epoch, index).permutation(patches);
  order.subarray(0, patches - hidden).sort();
  order.subarray(patches - hidden).sort();
  return order;
}
