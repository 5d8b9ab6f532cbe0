/** Nearest neighbours, linear probe and collapse during training: every N steps, on a few images that stay the same. */
import { availableParallelism } from 'node:os';
import { readBundle } from '../bundle/read';
import { subset } from '../data/batches/sampler';
import { UserError } from '../base/errors';
import type { Probe } from './probe';
import { collapse } from './collapse';
import { KNN } from './evaluateRun';
import { computeFeatures, requireFeatures, withLabelled } from './features';
import { labelsOf, score } from './frozen';
import { holdOut } from './holdOut';
import { nearest, vote } from './knn';
import { canChoose, linearProbe } from './linearProbe';

export interface ProbeOptions {
  /** run folder or bundle that is trained */
  readonly directory: string;
  /** steps between two measurements; the last step is measured too */
  readonly every: number;
  /** labelled source; its training split only, so that the test split stays unseen */
  readonly data: string;
  /** images in all, default 2,000 or as many as there are: three quarters are the bank, the rest the queries */
  readonly images?: number;
  readonly threads?: number;
  readonly workers?: number;
}

const IMAGES = 2000;
const QUERIES = 0.25;
/** Runs with different seeds are measured on the same images. */
const SEED = 0;

/**
 * What `train` calls between steps. Its metrics of the queries: `knn_accuracy`, `linear_accuracy` (where some class has two
 * images to choose the regularization on), `probe_chance`, `embedding_spread` and `embedding_rank`.
 * Throws a UserError where the data has no labels or the bundle no embedding.
 */
export async function createProbe(options: ProbeOptions): Promise<Probe> {
  const { directory, every, data, workers, threads = availableParallelism() } = options;
  const { manifest } = readBundle(directory);
  requireFeatures(manifest, 'embedding', directory);
  const { bank, queries } = await withLabelled(data, 'train', (source) => {
    const { length, classes } = source;
    const images = options.images ?? Math.min(IMAGES, length);
    if (images > length)
      throw new UserError(`--probe-images ${images}: ${source.name} has only ${length} training images`);
    const chosen = subset(source, String(images), SEED);
    const { kept, held } = holdOut(labelsOf(source, chosen), QUERIES, SEED);
    if (kept.length < KNN.k || held.length === 0)
      throw new UserError(`--probe-images ${images}: too few to leave ${KNN.k} neighbours and a query`);
    const of = (positions: Int32Array) => ({
      spec: data,
      split: 'train' as const,
      indices: positions.map((at) => chosen[at]),
      classes,
    });
    return { bank: of(kept), queries: of(held) };
  });
  const fit = { seed: SEED, threads };
  return {
    every,
    measure: async (session, policy) => {
      const features = (selection: typeof bank) =>
        computeFeatures(session, manifest, 'embedding', selection, { broken: policy, workers });
      const [known, asked] = [await features(bank), await features(queries)];
      const found = await nearest(known, asked, Math.min(KNN.k, known.count), threads);
      const predictions = vote(found, known.labels, bank.classes.length, KNN.temperature);
      const { accuracy, chance, interval } = score(predictions, asked.labels);
      const linear = canChoose(known) ? await linearProbe(known, asked, bank.classes.length, fit) : null;
      const linearAccuracy = linear && score(linear.predictions, asked.labels).accuracy;
      const { spread, rank } = await collapse(asked, threads);
      const percent = (fraction: number) => `${(100 * fraction).toFixed(1)}%`;
      const beside = linearAccuracy === null ? '' : `  linear ${percent(linearAccuracy)}`;
      return {
        broken: [...known.broken, ...asked.broken],
        metrics: {
          knn_accuracy: accuracy,
          ...(linearAccuracy !== null && { linear_accuracy: linearAccuracy }),
          probe_chance: chance,
          embedding_spread: spread,
          embedding_rank: rank,
        },
        text: `kNN ${percent(accuracy)} (${interval.map(percent).join(' to ')}, chance ${percent(chance)}, ${asked.count} images)${beside}  spread ${spread.toFixed(3)}  rank ${rank.toFixed(1)} of ${asked.width}`,
      };
    },
  };
}
