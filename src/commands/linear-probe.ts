/** `selfie linear-probe DIR --data SOURCE` */
import { evaluateLinearProbe, type LinearProbeResult } from '../evaluation/evaluateRun';
import { defineCommand, directory, formatBroken, print, warn, warnBroken } from './command';
import { describeScore } from './evaluate';
import { describeEvaluated, frozenOptions } from './frozen';

export const linearProbeCommand = defineCommand({
  name: 'linear-probe',
  describe: 'classify images by logistic regression on the frozen encoder',
  examples: [
    ['linear-probe models/mini --data cifar10:cifar-10-batches-bin', 'with all labels'],
    ['linear-probe models/mini --data cifar10:cifar-10-batches-bin --labels 5%', 'with few'],
  ],
  positionals: { dir: directory },
  options: frozenOptions,
  run: async ({ dir, json, ...options }) => {
    const result = await evaluateLinearProbe({ directory: dir, ...options }, warn);
    warnBroken(result.broken);
    if (json) print(JSON.stringify(result));
    else formatLinearProbe(result).forEach((line) => print(line));
  },
});

/** What was found, for people. */
export const formatLinearProbe = (result: LinearProbeResult): string[] => [
  describeEvaluated(result),
  ...formatBroken(result.broken),
  `linear probe (C ${result.c})  ${describeScore(result)}`,
  `written to ${result.file}`,
];
