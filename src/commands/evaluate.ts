/** `selfie evaluate DIR --data SOURCE` */
import { writeFileAtomic } from '../atomic';
import { evaluate, type Evaluation } from '../training/evaluate';
import { data, defineCommand, directory, print, provider, text, warn, whole } from './command';

export const evaluateCommand = defineCommand({
  name: 'evaluate',
  describe: 'measure a checkpoint on a whole split: loss, top-1, top-5, per class',
  examples: [
    ['evaluate models/mini --data cifar10:cifar-10-batches-bin', 'the newest checkpoint on the test split'],
    ['evaluate models/mini --data embedded --json', 'for programs'],
  ],
  positionals: { dir: directory },
  options: {
    data,
    split: {
      choices: ['test', 'train'],
      default: 'test',
      requiresArg: true,
      describe: 'which part of the data',
    },
    checkpoint: text('step or .safetensors file (default: the newest)'),
    predictions: text('write a CSV file: index, predicted class and logits of every image'),
    json: { type: 'boolean', default: false, describe: 'print the result as one line of JSON' },
    provider,
    threads: whole('--threads', 1, 'threads that compute (default: all)'),
    workers: whole('--workers', 1, 'threads that decode'),
  },
  run: async ({ dir, checkpoint, predictions, json, ...options }) => {
    const result = await evaluate({ directory: dir, checkpoint, ...options }, warn);
    if (predictions !== undefined) writeFileAtomic(predictions, predictionsCsv(result));
    if (json) print(JSON.stringify({ ...result, predictions: undefined, logits: undefined }));
    else formatEvaluation(result).forEach((line) => print(line));
  },
});

export const percent = (fraction: number) =>
  Number.isNaN(fraction) ? 'none' : `${(100 * fraction).toFixed(2)} %`;

/** What was measured, for people. */
export function formatEvaluation(result: Evaluation): string[] {
  const { checkpoint, step, split, count, loss, accuracy, top5, perClass } = result;
  const width = Math.max(0, ...perClass.map(({ name }) => name.length));
  return [
    `${checkpoint} (step ${step}) on ${count} images (${split})`,
    `loss     ${loss.toFixed(4)}`,
    `${perClass.length > 0 ? 'top-1   ' : 'patches '} ${percent(accuracy)}`,
    ...(top5 === null ? [] : [`top-5    ${percent(top5)}`]),
    ...perClass.map((c) => `  ${c.name.padEnd(width)}  ${percent(c.accuracy)} of ${c.count}`),
  ];
}

/** `index,prediction,logit_0,...`, one line an image in the order of the source. */
function predictionsCsv({ predictions, logits, count }: Evaluation): string {
  if (predictions.length === 0) return 'index,prediction\n';
  const classes = logits.length / count;
  const names = Array.from({ length: classes }, (_, i) => `logit_${i}`);
  const rows = Array.from(predictions, (prediction, i) =>
    [i, prediction, ...logits.subarray(i * classes, (i + 1) * classes)].join(','),
  );
  return `${['index', 'prediction', ...names].join(',')}\n${rows.join('\n')}\n`;
}
