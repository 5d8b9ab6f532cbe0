/** Images cut into patches. */
import { patchCounts } from '../../src/bundle/checkRecipe';
import type { Recipe } from '../../src/bundle/recipe';
import { times } from '../../src/graph/shape';
import type { Value } from '../../src/graph/graph';
import { add } from '../../src/ops/elementwise';
import { gather } from '../../src/ops/gather';
import { reshape, transpose } from '../../src/ops/shape';

/** Normalized images [B, C, H, W] -> all their patches, row-major, as images [B * n, C, p, p]. */
export function allPatches(images: Value, recipe: Recipe): Value {
  const [b, c] = images.shape;
  const p = recipe.patch.size;
  const { grid, patches: n } = patchCounts(recipe);
  const cut = transpose(reshape(images, [b, c, grid.rows, p, grid.columns, p]), [0, 2, 4, 1, 3, 5]);
  return reshape(cut, [times(b, n), c, p, p]);
}

/**
 * Patches of images of pixels [B, H, W, C] in each image's own order (int64 [B, n], indices row-major in the grid) as images
 * [B * n, p, p, C].
 */
export function cutPatches(images: Value, order: Value, recipe: Recipe): Value {
  const [b, , , c] = images.shape as number[];
  const p = recipe.patch.size;
  const { grid, patches: n } = patchCounts(recipe);
  const cut = transpose(reshape(images, [b, grid.rows, p, grid.columns, p, c]), [0, 1, 3, 2, 4, 5]);
  const offsets = images.graph.constant(
    'int64',
    [b, 1],
    Array.from({ length: b }, (_, i) => i * n),
  );
  const rows = gather(reshape(cut, [b * n, p * p * c]), reshape(add(order, offsets), [b * n]));
  return reshape(rows, [b * n, p, p, c]);
}
