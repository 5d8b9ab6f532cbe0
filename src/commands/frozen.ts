/** Options and lines that the commands on a frozen encoder share. */
import { FEATURES } from '../evaluation/features';
import type { Evaluated, Score } from '../evaluation/frozen';
import { broken, data, provider, text, whole } from './command';

export const frozenOptions = {
  data,
  labels: text('use only so many labelled training images: 5%, 4000 or 60/class'),
  split: {
    choices: ['test', 'validation'],
    default: 'test',
    requiresArg: true,
    describe: 'images to classify: the test split, or a tenth of the training images set apart',
  },
  features: {
    choices: FEATURES,
    default: 'embedding',
    requiresArg: true,
    describe: "P's pooled map of the image, or the attention pooling's vector of its patches",
  },
  checkpoint: text('step or .safetensors file (default: the newest)'),
  seed: whole('--seed', 0, "of the draw of images (default: the run's)"),
  json: { type: 'boolean', default: false, describe: 'print the result as one line of JSON' },
  broken: broken("the run's"),
  provider,
  threads: whole('--threads', 1, 'threads that compute (default: all)'),
  workers: whole('--workers', 1, 'threads that decode'),
} as const;

/** What was classified with what. */
export const describeEvaluated = ({
  checkpoint,
  step,
  split,
  bank,
  count,
  features,
  width,
}: Evaluated & Pick<Score, 'count'>) =>
  `${checkpoint} (step ${step}): ${count} images (${split}) by ${bank} labelled ones, ${features} of ${width} numbers`;
