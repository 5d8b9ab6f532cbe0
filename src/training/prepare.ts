/** Everything that is checked before a run writes anything: options, bundle, folder, provider, data, weights. */
import { availableParallelism } from 'node:os';
import type { Manifest } from '../bundle/manifest';
import { initialStatePath, readBundle } from '../bundle/read';
import type { Bundle } from '../bundle/read';
import { SOURCE_FORMS } from '../data/sources/readers';
import { UserError } from '../base/errors';
import { readSafetensors } from '../tensors/safetensors';
import { requireProvider } from '../runtime/providers';
import type { Provider } from '../base/providers';
import { listCheckpoints, readNewestCheckpoint } from '../run/checkpoints';
import type { ComputeOptions, ReadOptions } from '../run/openRun';
import { type AskedSettings, chooseImages, type ChosenImages } from './chooseImages';
import { initializeFrom } from './initFrom';
import { requireSameIdentity } from '../run/runFolder';
import type { RunSettings } from '../run/runFolder';
import type { LoadReport } from '../run/loadReport';
import type { HostTensor } from '../tensors/dtype';
import { requireState } from '../run/stateTypes';
import { storedRun } from '../run/storedRun';

export interface TrainOptions extends ComputeOptions, ReadOptions {
  /** run folder with the bundle in `graph/`, or a bundle */
  readonly directory: string;
  /** a form of `SOURCE_FORMS`; may be left out when resuming */
  readonly data?: string;
  /** default: the recipe's schedule.steps; the schedule always spans all steps */
  readonly steps?: number;
  /** run folder, bundle or .safetensors file whose parameters and buffers to start from */
  readonly initFrom?: string;
  /** subset of the examples: `5%`, `4000` or `60/class` */
  readonly labels?: string;
  /** part of the training data that is not trained on but evaluated at every checkpoint: `10%`, `5000` or `50/class` */
  readonly validation?: string;
  /** images for consistency training, whose labels are not looked at; default: all of `data`'s that are not kept apart */
  readonly unlabelled?: string;
  /** of the data's order, augmentation and dropout; default: the recipe's */
  readonly seed?: number;
  /** steps in one call of the runtime; default: 8 on CUDA, where the state stays on the device for so long, else 1 */
  readonly stepsPerRun?: number;
  /** batches in a step, default 1 */
  readonly accumulate?: number;
  /** default 200 */
  readonly checkpointEvery?: number;
  /** default 3 */
  readonly keepCheckpoints?: number;
  readonly resume?: boolean;
  /** go on with other images than the run was started with, where nothing is drawn from them */
  readonly acceptDataChange?: boolean;
}

export interface PreparedRun extends ChosenImages {
  readonly bundle: Bundle;
  readonly settings: RunSettings;
  readonly startStep: number;
  /** the caller's own: it may empty it once the session has a copy */
  readonly state: Map<string, HostTensor>;
  /** null where the run does not start from other weights now */
  readonly loadReport: LoadReport | null;
}

const DEFAULTS = {
  labels: null,
  validation: null,
  unlabelled: null,
  broken: 'fail' as const,
  initFrom: null,
  accumulate: 1,
  checkpointEvery: 200,
  keepCheckpoints: 3,
};

/**
 * Steps in one call where nothing else is asked for. There are no CUDA tensors in Node, so that every call moves the whole
 * state to the device and back; on the CPU the loop gains nothing, and on WebGPU the state lies in buffers of the device.
 */
const STEPS_PER_RUN: Readonly<Record<Provider, number>> = { cpu: 1, cuda: 8, webgpu: 1 };

/** Writes nothing. Throws a UserError for whatever would stop the run. */
export async function prepareRun(options: TrainOptions, warn: (line: string) => void): Promise<PreparedRun> {
  checkNumbers(options);
  const { directory } = options;
  const bundle = readBundle(directory);
  const stored = findStored(options, warn);
  const asked = resolveSettings(options, stored, bundle.manifest);
  requireProvider(asked.provider);
  if (asked.provider !== bundle.manifest.provider) {
    warn(
      `the bundle was lowered for ${bundle.manifest.provider} and runs on ${asked.provider}; build it with --set provider=${asked.provider} for speed`,
    );
  }
  const { content, chosen } = await chooseImages(asked, stored, options, bundle.manifest, warn);
  const settings = { ...asked, ...content };
  const common = { bundle, settings, ...chosen };
  const checkpoint = options.resume ? readNewestCheckpoint(directory, warn) : null;
  if (checkpoint) {
    if (checkpoint.recipe !== JSON.stringify(bundle.manifest.recipe)) {
      throw new UserError(
        `${checkpoint.file}: was trained with another recipe than the bundle's; build that one again or train in another folder`,
      );
    }
    requireState(checkpoint.file, checkpoint.state, bundle.manifest);
    return { ...common, startStep: checkpoint.step, state: new Map(checkpoint.state), loadReport: null };
  }
  const file = initialStatePath(bundle);
  const initial = readSafetensors(file).tensors;
  requireState(file, initial, bundle.manifest);
  if (settings.initFrom === null)
    return { ...common, startStep: 0, state: new Map(initial), loadReport: null };
  const { state, report } = initializeFrom(settings.initFrom, bundle.manifest, initial, warn);
  return { ...common, startStep: 0, state: new Map(state), loadReport: report };
}

/** What a resumed run goes on with; null: a new one begins. */
function findStored(options: TrainOptions, warn: (line: string) => void): Partial<RunSettings> | null {
  const { directory, resume } = options;
  const [newest] = listCheckpoints(directory);
  if (!resume && newest) {
    throw new UserError(
      `${directory}: has checkpoints up to step ${newest.step}; add --resume to continue, or train in another folder`,
    );
  }
  const stored = resume ? storedRun(directory, warn) : null;
  if (resume && !stored) warn(`${directory}: nothing to resume; starting from the beginning`);
  if (stored) requireSameIdentity(directory, stored, options);
  return stored;
}

function resolveSettings(
  options: TrainOptions,
  stored: Partial<RunSettings> | null,
  manifest: Manifest,
): AskedSettings {
  const chosen = { ...DEFAULTS, ...stored, ...given(options) };
  if (chosen.data === undefined)
    throw new UserError(`--data is missing; give one of ${SOURCE_FORMS.join(', ')}`);
  if (chosen.unlabelled !== null && manifest.recipe.consistency.ratio === 0)
    throw new UserError(
      `--unlabelled ${chosen.unlabelled}: this bundle learns from labelled images alone; build it with --set consistency.ratio=7`,
    );
  const provider = chosen.provider ?? manifest.provider;
  const stepsPerRun = chosen.stepsPerRun ?? (chosen.accumulate > 1 ? 1 : STEPS_PER_RUN[provider]);
  if (chosen.accumulate > 1 && stepsPerRun > 1) {
    throw new UserError('--steps-per-run and --accumulate exclude each other; give one of them');
  }
  return {
    formatVersion: 1,
    data: chosen.data,
    labels: chosen.labels,
    validation: chosen.validation,
    unlabelled: chosen.unlabelled,
    broken: chosen.broken,
    seed: chosen.seed ?? manifest.recipe.seed,
    steps: chosen.steps ?? manifest.recipe.schedule.steps,
    initFrom: chosen.initFrom,
    accumulate: chosen.accumulate,
    provider,
    threads: chosen.threads ?? availableParallelism(),
    stepsPerRun,
    checkpointEvery: chosen.checkpointEvery,
    keepCheckpoints: chosen.keepCheckpoints,
  };
}

/** The options that were given, so that they win over stored ones and defaults. */
function given(options: TrainOptions): TrainOptions {
  return Object.fromEntries(
    Object.entries(options).filter(([, value]) => value !== undefined),
  ) as unknown as TrainOptions;
}

function checkNumbers(options: TrainOptions): void {
  const counts = {
    '--steps-per-run': options.stepsPerRun,
    '--accumulate': options.accumulate,
    '--checkpoint-every': options.checkpointEvery,
    '--keep-checkpoints': options.keepCheckpoints,
    '--threads': options.threads,
    '--workers': options.workers,
  };
  for (const [option, value] of Object.entries(counts)) {
    if (value !== undefined && !(Number.isSafeInteger(value) && value > 0)) {
      throw new UserError(`${option} ${value}: must be a positive whole number`);
    }
  }
  const { steps, seed } = options;
  for (const [option, value] of Object.entries({ '--steps': steps, '--seed': seed })) {
    if (value !== undefined && !(Number.isSafeInteger(value) && value >= 0)) {
      throw new UserError(`${option} ${value}: must be a whole number, 0 or more`);
    }
  }
}
