/** `selfie embed SOURCE --model MODEL --to FILE` */
import { SOURCE_FORMS } from '../data/sources/readers';
import { embed, type EmbedReport } from '../inference/embed';
import { OUTPUTS } from '../inference/model';
import { createImageProgress, formatRate } from '../inference/progress';
import { abortOnSignals } from './signals';
import {
  broken,
  defineCommand,
  formatBroken,
  positional,
  print,
  text,
  warn,
  warnBroken,
  whole,
} from './command';
import { model, modelOptions } from './model';

export const embedCommand = defineCommand({
  name: 'embed',
  describe:
    'what a network makes of every image of a source, as Parquet or NumPy; goes on where it was stopped',
  examples: [
    ['embed photos --model models/mini --to photos.parquet', 'every image below a folder'],
    ['embed cifar10:PATH --model encoder.onnx --to cifar.npy', 'float32 [N, D], and cifar.csv with names'],
    [
      'embed folder:photos --model models/fine --output logits --to logits.parquet',
      "with labels, a classifier's logits",
    ],
  ],
  positionals: { source: positional(`folder of images, or ${SOURCE_FORMS.join(', ')}`) },
  options: {
    model,
    to: {
      ...text('file to write: .parquet, or .npy with the names in a .csv beside it'),
      demandOption: true,
    },
    split: {
      choices: ['train', 'test', 'all'],
      default: 'all',
      requiresArg: true,
      describe: 'which part of the source; where it has no parts, all of it',
    },
    output: {
      choices: OUTPUTS,
      default: 'embedding',
      requiresArg: true,
      describe: 'logits and probabilities: of a classifier',
    },
    ...modelOptions,
    batch: whole('--batch', 1, 'images at once (default: 64)'),
    workers: whole('--workers', 1, 'threads that decode'),
    broken: broken('fail'),
    overwrite: {
      type: 'boolean',
      default: false,
      describe: 'make the file anew, and give up what was begun with another model, source or options',
    },
  },
  run: async (options) => {
    const interrupt = abortOnSignals(() => {
      process.stderr.write('\nstopping after this batch; press Ctrl-C again to stop at once\n');
    });
    try {
      const progress = createImageProgress();
      const report = await embed(options, { warn, progress, signal: interrupt.signal });
      warnBroken(report.broken);
      formatReport(report, options.overwrite).forEach((line) => print(line));
      if (report.interrupted) process.exitCode = interrupt.code();
    } finally {
      interrupt.dispose();
    }
  },
});

/** What was made, for people. */
export function formatReport(report: EmbedReport, overwrite = false): string[] {
  const { files, interrupted, done, total, folder, splits, width, output, model, imagesPerSecond } = report;
  if (interrupted)
    return [
      `stopped after ${done} of ${total} images, which are kept in ${folder}; the same command ${overwrite ? 'without --overwrite ' : ''}goes on there`,
    ];
  const rows = splits.reduce((sum, split) => sum + split.rows, 0);
  const parts = splits.map((split) => `${split.rows} ${split.split}`).join(', ');
  const step = model.step === null ? '' : ` (step ${model.step})`;
  const rate = Number.isNaN(imagesPerSecond) ? '' : `; ${formatRate(imagesPerSecond)} images/s`;
  return [
    ...formatBroken(report.broken),
    `${[...files].reverse().join(', ')}: ${rows} images${splits.length > 1 ? ` (${parts})` : ''}, ` +
      `${output} of ${width} numbers by ${model.name}${step}${rate}`,
  ];
}
