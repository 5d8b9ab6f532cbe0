/** `selfie knn DIR --data SOURCE` */
import { evaluateKnn, KNN, type KnnResult } from '../evaluation/evaluateRun';
import { defineCommand, directory, formatBroken, positive, print, warn, warnBroken, whole } from './command';
import { describeScore } from './evaluate';
import { describeEvaluated, frozenOptions } from './frozen';

export const knnCommand = defineCommand({
  name: 'knn',
  describe:
    'classify images by their nearest neighbours in the frozen encoder, and tell whether it collapsed',
  examples: [
    ['knn models/mini --data cifar10:cifar-10-batches-bin', 'the whole training split votes'],
    ['knn models/mini --data embedded --labels 1000 --split validation', 'without looking at the test split'],
  ],
  positionals: { dir: directory },
  options: {
    ...frozenOptions,
    k: whole('--k', 1, `neighbours that vote (default: ${KNN.k})`),
    temperature: positive(
      '--temperature',
      `a vote weighs exp(cosine / temperature) (default: ${KNN.temperature})`,
    ),
  },
  run: async ({ dir, json, ...options }) => {
    const result = await evaluateKnn({ directory: dir, ...options }, warn);
    warnBroken(result.broken);
    if (json) print(JSON.stringify(result));
    else formatKnn(result).forEach((line) => print(line));
  },
});

/** What was found, for people. */
export function formatKnn(result: KnnResult): string[] {
  const { k, temperature, collapse, width, count, file } = result;
  return [
    describeEvaluated(result),
    ...formatBroken(result.broken),
    `kNN (k ${k}, temperature ${temperature})  ${describeScore(result)}`,
    `spread ${collapse.spread.toFixed(3)} (0: collapsed, 1: even on the sphere), effective rank ${collapse.rank.toFixed(1)} of ${Math.min(width, count)}`,
    `written to ${file}`,
  ];
}
