/** `selfie evaluate DIR --data SOURCE` */
import { writeFileAtomic } from '../atomic';
import { openSource } from '../data/source';
import { UserError } from '../errors';
import { evaluate, type Evaluation } from '../training/evaluate';
import {
  broken as brokenOption,
  data as dataOption,
  defineCommand,
  directory,
  print,
  provider as providerOption,
  text,
  warn,
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
    broken: brokenOption,
    provider: providerOption,
    threads: whole('--threads', 1, 'threads that compute (default: all)'),
    workers: whole('--workers', 1, 'threads that decode'),
  },
  run: async ({
    dir,
    checkpoint,
    predictions,
    json,
    data,
    split,
    augment,
    broken,
    provider,
    threads,
    workers,
  }) => {
    const result = await evaluate(
      { directory: dir, checkpoint, data, split, augment, broken, provider, threads, workers },
      warn,
    );
    if (predictions !== undefined) writeFileAtomic(predictions, await predictionsJson(result, data));
    for (const { reason } of result.broken) warn(`left out: ${reason}`);
    if (json)
      print(JSON.stringify({ ...result, predictions: undefined, logits: undefined, indices: undefined }));
    else formatEvaluation(result).forEach((line) => print(line));
  },
});

export const percent = (fraction: number) =>
  Number.isNaN(fraction) ? 'none' : `${(100 * fraction).toFixed(2)} %`;

/** What was measured, for people. */
export function formatEvaluation(result: Evaluation): string[] {
  const { checkpoint, step, split, count, loss, accuracy, top5, perClass, broken } = result;
  const width = Math.max(0, ...perClass.map(({ name }) => name.length));
  return [
    `${checkpoint} (step ${step}) on ${count} images (${split})`,
    ...(broken.length === 0 ? [] : [`left out ${broken.length} broken images`]),
    `loss     ${loss.toFixed(4)}`,
    `${perClass.length > 0 ? 'top-1   ' : 'patches '} ${percent(accuracy)}`,
    ...(top5 === null ? [] : [`top-5    ${percent(top5)}`]),
    ...perClass.map((c) => `  ${c.name.padEnd(width)}  ${percent(c.accuracy)} of ${c.count}`),
  ];
}

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
