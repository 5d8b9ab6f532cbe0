/** Which charts show a run's measurements. */
import type { CurveRun, CurveSettings, Series } from '../draw/curves';

export interface Chart extends Omit<CurveSettings, 'chance'> {
  /** the picture's file */
  readonly name: string;
  /** with a line where a guess at the task comes to */
  readonly withChance?: boolean;
}

const both = (training: string, validation: string): readonly Series[] => [
  { key: training, label: 'training batches' },
  { key: validation, label: 'validation' },
];
const alone = (key: string): readonly Series[] => [{ key, label: key }];

const CHARTS: readonly Chart[] = [
  { name: 'loss', title: 'Loss', series: both('loss', 'validation_loss'), format: '~g' },
  {
    name: 'accuracy',
    title: 'Accuracy',
    series: both('accuracy', 'validation_accuracy'),
    format: '~%',
    zero: true,
    withChance: true,
  },
  {
    name: 'top5',
    title: 'Class among the five likeliest',
    series: both('accuracy_top5', 'validation_top5'),
    format: '~%',
    zero: true,
  },
  {
    name: 'probes',
    title: 'Accuracy of probes of the encoder',
    series: [
      { key: 'knn_accuracy', label: 'nearest neighbours' },
      { key: 'linear_accuracy', label: 'linear probe' },
      { key: 'probe_chance', label: 'chance' },
    ],
    format: '~%',
    zero: true,
  },
  {
    name: 'embedding-spread',
    title: 'Spread of the embedding (0: collapsed)',
    series: alone('embedding_spread'),
    format: '~g',
    zero: true,
  },
  {
    name: 'embedding-rank',
    title: 'Effective rank of the embedding',
    series: alone('embedding_rank'),
    format: '~g',
    zero: true,
  },
  {
    name: 'loss-parts',
    title: 'Parts of the loss',
    series: [
      { key: 'supervised_loss', label: 'supervised' },
      { key: 'consistency_loss', label: 'consistency' },
    ],
    format: '~g',
  },
  {
    name: 'confident',
    title: 'Unlabelled images with a confident class',
    series: alone('confident'),
    format: '~%',
    zero: true,
  },
  {
    name: 'learning-rate',
    title: 'Learning rate',
    series: alone('learning_rate'),
    format: '~g',
    zero: true,
    planned: true,
  },
  {
    name: 'images-per-second',
    title: 'Images a second',
    series: alone('images_per_second'),
    format: ',.3~r',
    zero: true,
  },
  {
    name: 'data-wait',
    title: 'Time spent waiting for data',
    series: alone('data_wait'),
    format: '~%',
    zero: true,
  },
];

/** No curves of their own: what the others are drawn over, and `skipped`, whose sum is `skipped_steps`. */
const NO_CURVE = ['step', 'epoch', 'elapsed_seconds', 'skipped'];

/** The charts for which some run has data; a metric that none of the above knows gets one too. */
export function chartsOf(runs: readonly CurveRun[]): Chart[] {
  const there = new Set(runs.flatMap(({ lines }) => lines.flatMap((line) => Object.keys(line))));
  const known = CHARTS.filter(({ series }) => series.some(({ key }) => there.has(key)));
  for (const { series } of CHARTS) for (const { key } of series) there.delete(key);
  for (const key of NO_CURVE) there.delete(key);
  const others = Array.from(there, (key): Chart => {
    const words = key.replaceAll('_', ' ');
    const title = words.charAt(0).toUpperCase() + words.slice(1);
    return { name: key.replaceAll('_', '-'), title, series: alone(key), format: '~g', zero: true };
  });
  return [...known, ...others];
}
