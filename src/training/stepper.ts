/** Runs training steps on a session: single, K at once, or one accumulated over several batches. */
import type { GraphName, Manifest } from '../bundle/manifest';
import { Random } from '../base/random';
import type { StateSession } from '../runtime/stateSession';
import { batchFeeds, type FedBatch, metricRecords, scalarFeeds } from '../evaluation/feeds';
import { averageDecay, learningRate } from '../bundle/schedule';

export interface StepSettings {
  readonly seed: number;
  /** steps of the whole schedule */
  readonly steps: number;
  readonly stepsPerRun: number;
  readonly accumulate: number;
}

export interface StepResult {
  readonly epoch: number;
  readonly learningRate: number;
  /** `loss`, `accuracy` and whatever else the graph measures */
  readonly metrics: Readonly<Record<string, number>>;
}

/** The graphs that a run with these settings uses. */
export function graphsUsed({
  stepsPerRun,
  accumulate,
}: Pick<StepSettings, 'stepsPerRun' | 'accumulate'>): GraphName[] {
  if (accumulate > 1) return ['grad', 'apply'];
  return [stepsPerRun > 1 ? 'train-loop' : 'train'];
}

/**
 * Does the steps that follow `done` finished ones, one for each `accumulate` of `batches`, in one call of the session
 * where nothing is accumulated. The state moves on inside the session.
 */
export async function runSteps(
  session: Pick<StateSession, 'run'>,
  manifest: Manifest,
  settings: StepSettings,
  done: number,
  batches: readonly FedBatch[],
): Promise<StepResult[]> {
  const [first] = graphsUsed(settings);
  if (first === 'grad') return [await accumulatedStep(session, manifest, settings, done, batches)];
  const loop = first === 'train-loop';
  const contract = manifest.graphs[first];
  const values = scalarsOf(manifest, settings, batches, (i) => done + i);
  const outputs = await session.run(first, [
    ...batchFeeds(contract, batches, loop),
    ...scalarFeeds(contract, values, loop),
  ]);
  return metricRecords(contract, outputs, batches.length).map((metrics, i) => ({
    epoch: batches[i].epoch,
    learningRate: values.learning_rate[i],
    metrics,
  }));
}

/** `grad` on each batch, then `apply` on the mean of the gradients; metrics are means over the batches. */
async function accumulatedStep(
  session: Pick<StateSession, 'run'>,
  manifest: Manifest,
  settings: StepSettings,
  done: number,
  batches: readonly FedBatch[],
): Promise<StepResult> {
  const { grad, apply } = manifest.graphs;
  const metrics: Record<string, number> = {};
  for (const batch of batches) {
    const values = scalarsOf(manifest, settings, [batch], () => done);
    const outputs = await session.run('grad', [
      ...batchFeeds(grad, [batch], false),
      ...scalarFeeds(grad, values, false),
    ]);
    const [record] = metricRecords(grad, outputs, 1);
    for (const [name, value] of Object.entries(record)) {
      metrics[name] = (metrics[name] ?? 0) + value / batches.length;
    }
  }
  const values = scalarsOf(manifest, settings, [batches[0]], () => done);
  const outputs = await session.run('apply', scalarFeeds(apply, values, false));
  Object.assign(metrics, metricRecords(apply, outputs, 1)[0]);
  return { epoch: batches[0].epoch, learningRate: values.learning_rate[0], metrics };
}

/** Values of every `random` and `hyper` input that a graph may have, for each batch; its step of training is `stepOf(i)`. */
export function scalarsOf(
  { recipe }: Manifest,
  { seed, steps }: Pick<StepSettings, 'seed' | 'steps'>,
  batches: readonly FedBatch[],
  stepOf: (i: number) => number,
) {
  const mixup = recipe.regularize.mixup;
  return {
    learning_rate: batches.map((_, i) => learningRate(recipe.schedule, stepOf(i), steps)),
    average_decay: batches.map((_, i) => averageDecay(recipe.average.decay, stepOf(i))),
    // a fresh seed in [0, 2^31)
    dropout_seed: batches.map(({ step }) => new Random(seed, 'dropout', step).integer(2 ** 31)),
    mixup_weight: batches.map(({ step }) => (mixup > 0 ? new Random(seed, 'mixup', step).beta(mixup) : 1)),
  };
}
