/** Evaluation: `eval.onnx` with running statistics over a whole split, the last partial batch included. */
import { availableParallelism } from 'node:os';
import { readBundle } from '../bundle/read';
import type { MaskShape } from '../bundle/recipe';
import { requireClasses } from '../data/sources/classes';
import { createLoader } from '../data/batches/loader';
import { type Split } from '../data/sources/source';
import { UserError } from '../base/errors';
import { requireProvider } from '../runtime/providers';
import type { Provider } from '../runtime/providers';
import { StateSession } from '../runtime/stateSession';
import { pickCheckpoint } from '../run/checkpoints';
import { evaluateState, type StateEvaluation } from './evaluateState';
import { batchOptions } from './feeds';
import { readRun } from '../run/runFolder';
import { requireState } from '../run/stateTypes';
import { EVALUATION_SEED, readValidationIndices } from '../run/validationFile';

export type { ClassResult } from './evaluateState';

export interface EvaluateOptions {
  /** run folder */
  readonly directory: string;
  /** a form of `SOURCE_FORMS` */
  readonly data: string;
  /** default test; validation: the examples of the training data that the run kept from training */
  readonly split?: Split | 'validation';
  /** so many images of the split, spread evenly over it; default: all */
  readonly images?: number;
  /** images that cannot be decoded: fail, or leave them out; default: as the run does, else fail */
  readonly broken?: 'fail' | 'skip';
  /** step or file; default: the newest checkpoint */
  readonly checkpoint?: string | number;
  /**
   * Augments the images as training does, from a fixed seed: the patch accuracy of the very task that was trained. Zero
   * padding tells which patches are at the border, so on plain images that task is harder.
   */
  readonly augment?: boolean;
  /** what pretraining hides of an image; default what training hides */
  readonly mask?: MaskShape;
  /** default: the provider the bundle was lowered for */
  readonly provider?: Provider;
  readonly threads?: number;
  readonly workers?: number;
}

export interface Evaluation extends StateEvaluation {
  readonly checkpoint: string;
  readonly step: number;
  readonly split: string;
}

/** Evaluates a run's checkpoint on all examples of a split. Throws a UserError for whatever is not there or does not fit. */
export async function evaluate(
  options: EvaluateOptions,
  warn: (line: string) => void = () => {},
): Promise<Evaluation> {
  const { directory, data, split = 'test', workers, threads = availableParallelism() } = options;
  const bundle = readBundle(directory);
  const { manifest } = bundle;
  const { recipe } = manifest;
  const { mask = recipe.patch.mask } = options;
  if (options.mask && recipe.task !== 'pretrain')
    throw new UserError(`--mask ${mask}: only a pretraining bundle hides patches; ${directory} classifies`);
  const checkpoint = pickCheckpoint(directory, options.checkpoint, warn);
  requireState(checkpoint.file, checkpoint.state, manifest);
  const provider = options.provider ?? manifest.provider;
  requireProvider(provider);
  const wanted = batchOptions(manifest, 'evaluate');
  const loader = await createLoader({
    ...wanted,
    patchOrder: wanted.patchOrder && { ...wanted.patchOrder, mask },
    augment: options.augment ? recipe.augment : null,
    spec: data,
    split: split === 'validation' ? 'train' : split,
    indices: split === 'validation' ? readValidationIndices(directory) : undefined,
    limit: options.images,
    broken: options.broken ?? readRun(directory)?.broken,
    seed: EVALUATION_SEED,
    workers,
  });
  const session = new StateSession(bundle, { provider, threads });
  let result: StateEvaluation;
  try {
    if (recipe.task === 'finetune') requireClasses(loader.source, readRun(directory)?.classes ?? null);
    await session.setState(checkpoint.state);
    result = await evaluateState(session, manifest, loader);
  } finally {
    await Promise.all([loader.close(), session.close()]);
  }
  const { source } = loader;
  return {
    checkpoint: checkpoint.file,
    step: checkpoint.step,
    split: split === 'validation' ? split : source.split,
    ...result,
  };
}
