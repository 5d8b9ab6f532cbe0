/** The tasks of the package, and the bundles of their recipes. */
import type { Manifest } from '../../src/bundle/manifest';
import type { Recipe } from '../../src/bundle/recipe';
import { writeEvalGraph } from '../../src/compile/evalBundle';
import type { Task } from '../../src/compile/task';
import { writeBundle, type BundleSummary } from '../../src/compile/writeBundle';
import type { LoweringOptions } from '../../src/lowering/context';
import { tunedChoices } from '../tuned';
import { classifier } from './classifier';
import { selfie } from './selfie';

/** What a recipe's task builds. */
export const programOf: Task = (recipe) => (recipe.task === 'pretrain' ? selfie(recipe) : classifier(recipe));

/**
 * Writes the bundle of `recipe` into `<directory>/graph`, replacing an older one as a whole. The same recipe gives the same
 * bytes. `lowering` has the last word over what the recipe says of the lowering.
 */
export const buildBundle = (
  recipeName: string,
  recipe: Recipe,
  directory: string,
  lowering: Partial<LoweringOptions> = {},
): BundleSummary =>
  writeBundle(programOf, recipeName, recipe, directory, {
    ...lowering,
    tuned: lowering.tuned ?? tunedChoices(recipe.provider),
  });

/** The evaluation graph of a bundle again, for another number of hidden patches, in `directory`. */
export const buildEvalGraph = (manifest: Manifest, hidden: number, directory: string) =>
  writeEvalGraph(programOf, manifest, hidden, directory, { tuned: tunedChoices(manifest.recipe.provider) });
