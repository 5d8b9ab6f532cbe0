/** `selfie train DIR --data SOURCE` */
import { createProbe } from '../evaluation/periodic';
import { UserError } from '../base/errors';
import { explainPlacement } from '../profiling/placement';
import type { Probe } from '../evaluation/probe';
import { createReporter } from '../training/progress';
import { abortOnSignals } from './signals';
import { train, type TrainResult } from '../training/trainer';
import { percent } from './evaluate';
import { SOURCE_FORMS } from '../data/sources/readers';
import { broken, defineCommand, directory, print, provider, text, whole } from './command';

export const trainCommand = defineCommand({
  name: 'train',
  describe: 'train a bundle on images; Ctrl-C stops after the step and writes a checkpoint',
  examples: [
    ['train models/mini --data embedded', "as many steps as the recipe's schedule has"],
    ['train models/mini --data cifar10:cifar-10-batches-bin --resume', 'continue a run that was stopped'],
    [
      'train models/fine --data folder:photos --init-from models/mini --labels 5%',
      'finetune with few labels',
    ],
  ],
  positionals: { dir: directory },
  options: {
    data: text(`${SOURCE_FORMS.join(', ')} (needed unless resuming)`),
    steps: whole(
      '--steps',
      0,
      "steps in all (default: the recipe's); the schedule spans them; 0: a checkpoint of the start alone",
    ),
    'init-from': text('run folder or .safetensors file whose network to start from'),
    labels: text('use only so many labelled images: 5%, 4000 or 60/class'),
    validation: text('keep so many training images apart and evaluate on them at every checkpoint: 10%'),
    unlabelled: text(
      'images for consistency training, labelled or not (default: those of --data that --validation leaves)',
    ),
    broken: broken('fail'),
    seed: whole('--seed', 0, "of order, augmentation and dropout (default: the recipe's)"),
    provider,
    'steps-per-run': whole(
      '--steps-per-run',
      1,
      'steps in one call of the runtime (default: 8 on cuda, else 1)',
    ),
    accumulate: whole('--accumulate', 1, 'batches whose gradients make one step (default: 1)'),
    'checkpoint-every': whole('--checkpoint-every', 1, 'steps between checkpoints (default: 200)'),
    keep: whole('--keep', 1, 'checkpoints to keep (default: 3)'),
    threads: whole('--threads', 1, 'threads that compute (default: all)'),
    workers: whole('--workers', 1, 'threads that decode'),
    resume: { type: 'boolean', default: false, describe: 'continue from the newest checkpoint' },
    'accept-data-change': {
      type: 'boolean',
      default: false,
      describe: 'resume with other images than the run was started with (of the same classes)',
    },
    'probe-every': whole(
      '--probe-every',
      1,
      'steps between two looks at the encoder: kNN, linear probe, collapse (give it again with --resume)',
    ),
    'probe-data': text('labelled images for --probe-every (default: --data); the training split only'),
    'probe-images': whole('--probe-images', 1, 'images for --probe-every (default: 2000 at most)'),
    'explain-placement': {
      type: 'boolean',
      default: false,
      describe: 'train nothing: run one step on random images and list which provider ran which node',
    },
  },
  run: async ({ dir, data, keep, ...options }) => {
    const { initFrom, labels, validation, unlabelled, broken, steps, seed, resume } = options;
    const { provider, threads, workers, stepsPerRun, accumulate, checkpointEvery, acceptDataChange } =
      options;
    if (options.explainPlacement) {
      (await explainPlacement(dir, { provider, threads })).forEach((line) => print(line));
      return;
    }
    const probe = await probeOf(dir, data, options);
    const interrupt = abortOnSignals(() => {
      process.stderr.write('\nstopping after this step; press Ctrl-C again to stop at once\n');
    });
    try {
      const result = await train(
        {
          directory: dir,
          data,
          steps,
          initFrom,
          labels,
          validation,
          unlabelled,
          broken,
          seed,
          provider,
          threads,
          workers,
          resume,
          acceptDataChange,
          stepsPerRun,
          accumulate,
          checkpointEvery,
          keepCheckpoints: keep,
        },
        { reporter: createReporter(), signal: interrupt.signal, probe },
      );
      describeTraining(dir, result).forEach((line) => print(line));
      if (result.interrupted) process.exitCode = interrupt.code();
    } finally {
      interrupt.dispose();
    }
  },
});

interface ProbeArguments {
  readonly probeEvery?: number;
  readonly probeData?: string;
  readonly probeImages?: number;
  readonly threads?: number;
  readonly workers?: number;
}

/** What the --probe options ask for. */
async function probeOf(
  directory: string,
  trainingData: string | undefined,
  { probeEvery: every, probeData, probeImages: images, threads, workers }: ProbeArguments,
): Promise<Probe | undefined> {
  if (every === undefined) {
    const option = probeData !== undefined ? '--probe-data' : '--probe-images';
    if (probeData !== undefined || images !== undefined)
      throw new UserError(`${option} needs --probe-every, the steps between two measurements`);
    return undefined;
  }
  const data = probeData ?? trainingData;
  if (data === undefined)
    throw new UserError('--probe-every needs --probe-data, the labelled images to measure with');
  return createProbe({ directory, every, data, images, threads, workers });
}

/** How a training ended, for people. */
export function describeTraining(
  directory: string,
  { step, steps, interrupted, last, checkpoint, broken }: TrainResult,
): string[] {
  const state = interrupted
    ? `stopped after step ${step} of ${steps}; continue with: selfie train ${directory} --resume`
    : `finished ${steps} steps`;
  return [
    state,
    ...(last
      ? [`last step: loss ${last.metrics.loss.toFixed(4)}, accuracy ${percent(last.metrics.accuracy)}`]
      : []),
    ...(broken === 0 ? [] : [`skipped ${broken} broken images, named above`]),
    ...(checkpoint === undefined ? [] : [`checkpoint: ${checkpoint}`]),
  ];
}
