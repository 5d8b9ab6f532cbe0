/** Real bundles of networks so small that they are built and train in an instant, and the folder of a run with one. */
import { parseRecipe } from '../../graphs/recipes/load';
import { buildBundle } from '../../graphs/tasks';
import { applyOverrides } from '../../src/bundle/overrides';
import { type Bundle, initialStatePath, readBundle } from '../../src/bundle/read';
import type { RecipeInput } from '../../src/bundle/recipe';
import { readSafetensors } from '../../src/tensors/safetensors';
import { writeCheckpoint } from '../../src/run/checkpoints';
import { writeRun } from '../../src/run/runFolder';

/** A classifier of ten classes with a stem of two channels and one block. */
const CLASSIFIER: RecipeInput = {
  task: 'finetune',
  network: { stages: [1], width: 2 },
  pooling: { layers: 1, heads: 2, feedForward: 8 },
  batch: 16,
  schedule: { kind: 'cosine', peak: 0.3, warmupSteps: 2, steps: 20 },
  augment: { pad: 2, cropScale: 0 },
};

/** Settings with which every step takes random numbers of all kinds and the state has moving averages. */
export const RANDOM = [
  ...['network.globalPool=attention', 'network.tokens=patches'],
  ...['regularize.mixup=0.4', 'average.decay=0.9'],
];

/** Builds the classifier with each `key=value` of `settings` put in, as `--set` does, into `<directory>/graph`. */
export function writeSmallBundle(directory: string, ...settings: readonly string[]): Bundle {
  buildBundle('small', parseRecipe(applyOverrides(CLASSIFIER, settings)), directory);
  return readBundle(directory);
}

export const CLASSES = ['cat', 'dog', 'emu'];

/** Writes a run of an untrained network of three classes with a checkpoint of step 10; `checkpoint` writes another. */
export function writeSmallRun(
  directory: string,
  task: 'pretrain' | 'finetune',
  ...settings: readonly string[]
): { bundle: Bundle; checkpoint: (step: number) => void } {
  const network = ['network.stages=1,1', 'network.width=4', 'network.classes=3'];
  const bundle = writeSmallBundle(directory, `task=${task}`, ...network, 'batch=2', ...settings);
  const { tensors: state } = readSafetensors(initialStatePath(bundle));
  const identity = {
    data: 'folder:animals',
    labels: null,
    validation: null,
    unlabelled: null,
    content: null,
    unlabelledContent: null,
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
