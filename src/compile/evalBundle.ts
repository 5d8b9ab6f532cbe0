/** A bundle's evaluation graph again, for another number of hidden patches: the state is the same, the masks are not. */
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { patchCounts } from '../bundle/checkRecipe';
import type { Manifest } from '../bundle/manifest';
import { emitGraph, toModel } from '../graph/emit';
import type { LoweringOptions } from '../lowering/context';
import { lower } from '../lowering/lower';
import { writeModel } from '../onnx/files';
import { optimize } from '../passes';
import { loweringOptions } from './lowering';
import { evalGraph } from './step';
import type { Task } from './task';

/**
 * Writes `eval.onnx` into `directory`, lowered as the recipe says, and returns the bundle for it: the manifest with the
 * other `patch.hidden`. It has no other graph.
 */
export function writeEvalGraph(
  task: Task,
  manifest: Manifest,
  hidden: number,
  directory: string,
  lowering: Partial<LoweringOptions> = {},
): { directory: string; manifest: Manifest } {
  const { patches } = patchCounts(manifest.recipe);
  // The number of hidden patches is rounded down.
  const recipe = {
    ...manifest.recipe,
    patch: { ...manifest.recipe.patch, hidden: (hidden + 0.5) / patches },
  };
  const { graph, contract } = evalGraph(task, recipe);
  const file = 'eval.onnx';
  const emitted = emitGraph(optimize(lower(graph, { ...loweringOptions(recipe), ...lowering })));
  mkdirSync(directory, { recursive: true });
  writeModel(path.join(directory, file), toModel(emitted, { recipe: manifest.recipeName }));
  const graphs = { ...manifest.graphs, eval: { file, ...contract } };
  return { directory, manifest: { ...manifest, recipe, graphs } };
}
