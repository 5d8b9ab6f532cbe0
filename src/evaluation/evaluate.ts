/** Evaluation: `eval.onnx` with running statistics over a whole split, the last partial batch included. */
import { UserError } from '../base/errors';
import type { MaskShape } from '../bundle/recipe';
import { createLoader } from '../data/batches/loader';
import { requireClasses } from '../data/sources/classes';
import type { Split } from '../data/sources/source';
import { openRun, withSession, type ReadOptions, type RunOptions } from '../run/openRun';
import { EVALUATION_SEED } from '../run/validationFile';
import { validationImages } from './validationImages';
import { evaluateState, type StateEvaluation } from './evaluateState';
import { batchOptions } from './feeds';

export type { ClassResult } from './evaluateState';

export interface EvaluateOptions extends RunOptions, ReadOptions {
  /** a form of `SOURCE_FORMS` */
  readonly data: string;
  /** default test; validation: the examples of the training data that the run kept from training */
  readonly split?: Split | 'validation';
  /** so many images of the split, spread evenly over it; default: all */
  readonly images?: number;
  /**
   * Augments the images as training does, from a fixed seed: the patch accuracy of the very task that was trained. Zero
   * padding tells which patches are at the border, so on plain images that task is harder.
   */
  readonly augment?: boolean;
  /** what pretraining hides of an image; default what training hides */
  readonly mask?: MaskShape;
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
  const { directory, data, split = 'test', workers } = options;
  const run = openRun(options, warn);
  const { manifest } = run.bundle;
  const { recipe } = manifest;
  const { mask = recipe.patch.mask } = options;
  if (options.mask && recipe.task !== 'pretrain')
    throw new UserError(`--mask ${mask}: only a pretraining bundle hides patches; ${directory} classifies`);
  const wanted = batchOptions(manifest, 'evaluate');
  return withSession(run, async (session) => {
    const loader = await createLoader({
      ...wanted,
      patchOrder: wanted.patchOrder && { ...wanted.patchOrder, mask },
      augment: options.augment ? recipe.augment : null,
      spec: data,
      split: split === 'validation' ? 'train' : split,
      indices: split === 'validation' ? await validationImages(run, data) : undefined,
      limit: options.images,
      broken: options.broken ?? run.settings?.broken,
      seed: EVALUATION_SEED,
      workers,
    });
    try {
      const { source } = loader;
      if (recipe.task === 'finetune') requireClasses(source, run.settings?.classes ?? null);
      const result = await evaluateState(session, manifest, loader);
      const { file, step } = run.checkpoint;
      return { checkpoint: file, step, split: split === 'validation' ? split : source.split, ...result };
    } finally {
      await loader.close();
    }
  });
}
