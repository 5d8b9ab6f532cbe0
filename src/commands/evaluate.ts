/** `selfie evaluate DIR --data SOURCE` */
import path from 'node:path';
import { maxOf } from '../base/lists';
import { buildEvalGraph } from '../../graphs/tasks';
import { writeFileAtomic } from '../base/files';
import { withTemporary } from '../base/temporary';
import { readBundle } from '../bundle/read';
import { MASK_SHAPES } from '../bundle/recipe';
import { openSource } from '../data/sources/readers';
import { UserError } from '../base/errors';
import { evaluateSequential, type Sequential, type SequentialOptions } from '../evaluation/sequential';
import { evaluate, type Evaluation } from '../evaluation/evaluate';
import {
  broken as brokenOption,
  data as dataOption,
  defineCommand,
  directory,
  formatBroken,
  print,
  provider as providerOption,
  text,
  warn,
  warnBroken,
  whole,
} from './command';

export const evaluateCommand = defineCommand({
  name: 'evaluate',
  describe: 'measure a checkpoint on a whole split: loss, top-1, top-5, per class',
  examples: [
    ['evaluate models/mini --data cifar10:cifar-10-batches-bin', 'the newest checkpoint on the test split'],
    ['evaluate models/mini --data embedded --json', 'for programs'],
  ],
  positionals: { dir: directory },
  options: {
    data: dataOption,
    split: {
      choices: ['test', 'train', 'validation'],
      default: 'test',
      requiresArg: true,
      describe: "which part of the data; validation: the run's own, kept from training",
    },
    checkpoint: text('step or .safetensors file (default: the newest)'),
    predictions: text('write a JSON file: label, predicted class and logits of every image'),
    json: { type: 'boolean', default: false, describe: 'print the result as one line of JSON' },
    augment: {
      type: 'boolean',
      default: false,
      describe: 'augment the images as in training, from a fixed seed',
    },
    mask: {
      choices: MASK_SHAPES,
      requiresArg: true,
      describe:
        'what is hidden of an image after pretraining: patches anywhere, one block, rows (default: as in training)',
    },
    sequential: {
      type: 'boolean',
      default: false,
      describe:
        'ask for the hidden patches one after the other and show each before the next (a pass for each)',
    },
    images: whole('--images', 1, 'so many images of the split, spread evenly over it (default: all)'),
    broken: brokenOption("the run's"),
    provider: providerOption,
    threads: whole('--threads', 1, 'threads that compute (default: all)'),
    workers: whole('--workers', 1, 'threads that decode'),
  },
  run: async ({ dir, checkpoint, predictions, json, data, split, augment, broken, mask, ...machine }) => {
    const { provider, threads, workers, sequential, images } = machine;
    if (sequential) {
      if (augment || predictions !== undefined)
        throw new UserError('--sequential excludes --augment and --predictions; give one of them');
      if (split === 'validation')
        throw new UserError('--sequential evaluates the splits test and train, not validation');
      const found = await inSequence(
        { directory: dir, checkpoint, data, split, images, broken, mask, provider, threads, workers },
        warn,
      );
      warnBroken(found.broken);
      if (json) print(JSON.stringify(found));
      else formatSequential(found).forEach((line) => print(line));
      return;
    }
    const result = await evaluate(
      { directory: dir, checkpoint, data, split, augment, images, broken, mask, provider, threads, workers },
      warn,
    );
    if (predictions !== undefined) writeFileAtomic(predictions, await predictionsJson(result, data));
    warnBroken(result.broken);
    if (json)
      print(JSON.stringify({ ...result, predictions: undefined, logits: undefined, indices: undefined }));
    else formatEvaluation(result).forEach((line) => print(line));
  },
});

export const percent = (fraction: number) =>
  Number.isNaN(fraction) ? 'none' : `${(100 * fraction).toFixed(2)} %`;

/** `61.30 % (95 %: 60.34 to 62.25 %; chance 10.00 %)` */
export const describeScore = ({
  accuracy,
  interval: [low, high],
  chance,
}: Pick<Evaluation, 'accuracy' | 'interval' | 'chance'>) =>
  `${percent(accuracy)} (95 %: ${(100 * low).toFixed(2)} to ${percent(high)}; chance ${percent(chance)})`;

/** What was measured, for people. */
export function formatEvaluation(result: Evaluation): string[] {
  const { checkpoint, step, split, count, loss, top5, perClass, broken } = result;
  const width = maxOf([0, ...perClass.map(({ name }) => name.length)]);
  return [
    `${checkpoint} (step ${step}) on ${count} images (${split})`,
    ...formatBroken(broken),
    `loss     ${loss.toFixed(4)}`,
    `${perClass.length > 0 ? 'top-1   ' : 'patches '} ${describeScore(result)}`,
    ...(top5 === null ? [] : [`top-5    ${percent(top5)}`]),
    ...perClass.map((c) => `  ${c.name.padEnd(width)}  ${percent(c.accuracy)} of ${c.count}`),
  ];
}

/** The graphs that hide fewer and fewer patches lie in a folder that is gone afterwards. */
async function inSequence(
  options: Omit<SequentialOptions, 'hiding'>,
  warn: (line: string) => void,
): Promise<Sequential> {
  const { manifest } = readBundle(options.directory);
  return withTemporary('sequential', (folder) => {
    const hiding = (hidden: number) => buildEvalGraph(manifest, hidden, path.join(folder, String(hidden)));
    return evaluateSequential({ ...options, hiding }, warn);
  });
}

export const formatSequential = (result: Sequential): string[] => [
  `${result.checkpoint} (step ${result.step}) on ${result.count} images (${result.split}), patches one after the other`,
  ...formatBroken(result.broken),
  ...result.stages.map((stage) => `1 of ${String(stage.hidden).padEnd(3)} ${describeScore(stage)}`),
  `mean     ${describeScore(result)}`,
];

/** What `--predictions` writes: `labels` and `predictions` [count], `logits` [count][classes], in the source's order. */
async function predictionsJson(
  { predictions, logits, count, split, indices }: Evaluation,
  spec: string,
): Promise<string> {
  if (predictions.length === 0) throw new UserError('--predictions: a pretraining run predicts no classes');
  const source = await openSource(spec, split === 'test' ? 'test' : 'train');
  const labels = Array.from(indices, (index) => source.label(index));
  source.close();
  const classes = logits.length / count;
  const rows = Array.from(predictions, (_, i) => Array.from(logits.subarray(i * classes, (i + 1) * classes)));
  return `${JSON.stringify({ labels, predictions: Array.from(predictions), logits: rows })}\n`;
}
