/** A run's folder with a checkpoint of the untrained network: three classes, a few channels, images of 32 x 32. */
import { buildBundle } from '../../graphs/tasks';
import { type Bundle, initialStatePath, readBundle } from '../../src/bundle/read';
import { recipeSchema } from '../../src/bundle/recipe';
import { readSafetensors } from '../../src/tensors/safetensors';
import { writeCheckpoint } from '../../src/run/checkpoints';
import { writeRun } from '../../src/run/runFolder';

export const CLASSES = ['cat', 'dog', 'emu'];

/** Writes the run with a checkpoint of step 10; `checkpoint` writes another. */
export function writeSmallRun(
  directory: string,
  task: 'pretrain' | 'finetune',
): { bundle: Bundle; checkpoint: (step: number) => void } {
  const recipe = recipeSchema.parse({
    task,
    network: { stages: [1, 1], width: 4, classes: 3 },
    pooling: { layers: 1, heads: 2, feedForward: 8 },
    batch: 2,
  });
  buildBundle('tiny', recipe, directory);
  const bundle = readBundle(directory);
  const { tensors: state } = readSafetensors(initialStatePath(bundle));
  const identity = {
    data: 'folder:animals',
    labels: null,
    validation: null,
    unlabelled: null,
    broken: 'fail' as const,
    seed: 0,
    steps: 100,
    initFrom: null,
    accumulate: 1,
  };
  writeRun(directory, {
    formatVersion: 1,
    ...identity,
    classes: CLASSES,
    provider: 'cpu',
    threads: 1,
    stepsPerRun: 1,
    checkpointEvery: 10,
    keepCheckpoints: 2,
  });
  const checkpoint = (step: number) => {
    writeCheckpoint(directory, bundle.manifest, identity, { step, dataPosition: step, state }, 2);
  };
  checkpoint(10);
  return { bundle, checkpoint };
}
