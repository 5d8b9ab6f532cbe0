/** A small bundle trained by the drivers of tools/examples with seeds from a file but the learning rates of their own. */
import { type Bundle, initialStatePath } from '../../src/bundle/read';
import type { RecipeInput } from '../../src/bundle/recipe';
import { readSafetensors } from '../../src/tensors/safetensors';
import { makeInputs, writeInputs } from '../../tools/verify/portable/inputs';
import { trainInNode, type Trained } from '../../tools/verify/portable/run';
import { RANDOM, writeSmallBundle } from './smallRun';

export const SCHEDULES: readonly RecipeInput['schedule'][] = [
  { kind: 'cosine', peak: 0.05, warmupSteps: 5, steps: 30 },
  { kind: 'step', peak: 0.05, warmupSteps: 0, steps: 30, milestones: [0.3, 0.6], factor: 0.5 },
  { kind: 'constant', peak: 0.05, warmupSteps: 2, steps: 30 },
];

/** What the package's own schedule makes of `steps` steps; `batches.safetensors` in `folder` has everything but the rates. */
export async function exampleCase(
  folder: string,
  schedule: RecipeInput['schedule'],
  steps: number,
): Promise<{ bundle: Bundle; expected: Trained }> {
  const settings = Object.entries(schedule ?? {}).map(
    ([key, value]) => `schedule.${key}=${JSON.stringify(value)}`,
  );
  const bundle = writeSmallBundle(folder, ...RANDOM, ...settings);
  const inputs = await makeInputs(bundle, 'embedded', steps, 1);
  const initial = readSafetensors(initialStatePath(bundle)).tensors;
  const expected = await trainInNode(bundle, initial, inputs, steps);
  inputs.delete('learning_rate');
  writeInputs(folder, inputs);
  return { bundle, expected };
}
