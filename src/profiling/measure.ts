/** Runs training steps of a bundle on a random batch, plain and under the runtime's profiler, and measures the peak. */
import { availableParallelism } from 'node:os';
import { withTemporary } from '../base/temporary';
import type { Manifest } from '../bundle/manifest';
import { randomBatch } from '../bundle/randomBatch';
import { stateOutputs } from '../bundle/stateOutputs';
import { graphPath, initialStatePath, readBundle } from '../bundle/read';
import type { Bundle } from '../bundle/read';
import { readSafetensors } from '../tensors/safetensors';
import type { HostTensor } from '../tensors/dtype';
import { requireProvider } from '../runtime/providers';
import type { Provider } from '../base/providers';
import type { SessionSettings } from '../runtime/providers';
import { createSession } from '../runtime/session';
import type { GraphSession } from '../runtime/session';
import { readNewestCheckpoint } from '../run/checkpoints';
import { scalarFeeds } from '../evaluation/feeds';
import { learningRate } from '../bundle/schedule';
import { requireState } from '../run/stateTypes';
import type { State } from '../run/stateTypes';
import { measurePeak } from './peak';
import type { Peak } from './peak';
import { profiled } from './profiled';
import type { TraceRun } from './trace';

export interface MeasureOptions {
  /** run folder with the bundle in `graph/`, or a bundle */
  readonly directory: string;
  /** steps to measure, after one that is not; default 5 */
  readonly steps?: number;
  /** default: the provider the bundle was lowered for */
  readonly provider?: Provider;
  /** default: all that the system gives this process */
  readonly threads?: number;
  /** where to keep the runtime's trace */
  readonly trace?: string;
}

export interface Measurement {
  readonly bundle: Bundle;
  readonly settings: SessionSettings;
  /** training steps that made the state: 0 for the initial one */
  readonly step: number;
  /** seconds of each measured step without the profiler: feeds in, metrics and new state out */
  readonly plainSeconds: readonly number[];
  /** the same under the profiler, in the order of `runs` */
  readonly profiledSeconds: readonly number[];
  readonly runs: readonly TraceRun[];
  /** fastest square matrix product, null where the provider does not time its kernels */
  readonly peak: Peak | null;
}

const SEED = 0;

/** Writes nothing but `trace`. Throws a UserError for whatever is wrong with the folder, the provider or the graph. */
export async function measure(options: MeasureOptions, warn: (line: string) => void): Promise<Measurement> {
  const bundle = readBundle(options.directory);
  const { manifest } = bundle;
  const provider = options.provider ?? manifest.provider;
  requireProvider(provider);
  const settings = { provider, threads: options.threads ?? availableParallelism() };
  const { step, state } = startState(options.directory, bundle, warn);
  const steps = options.steps ?? 5;
  return withTemporary('profile', async (folder) => {
    // Sessions follow each other: two at once would spin against each other. The machine drifts, so its peak is the best
    // of before and after.
    const before = await measurePeak(folder, settings);
    const plainSeconds = await plain(bundle, settings, step, state, steps);
    const traced = await profiled(
      { folder, name: 'steps', keep: options.trace },
      graphPath(bundle, 'train'),
      settings,
      (session) => runSteps(session, manifest, step, state, steps),
    );
    const after = await measurePeak(folder, settings);
    const peak = before && after && (before.gflops > after.gflops ? before : after);
    const runs = traced.runs.slice(-steps);
    return { bundle, settings, step, plainSeconds, profiledSeconds: traced.result, runs, peak };
  });
}

function startState(directory: string, bundle: Bundle, warn: (line: string) => void) {
  const checkpoint = readNewestCheckpoint(directory, warn);
  const file = checkpoint?.file ?? initialStatePath(bundle);
  const state = checkpoint?.state ?? readSafetensors(file).tensors;
  requireState(file, state, bundle.manifest);
  return { step: checkpoint?.step ?? 0, state };
}

async function plain(bundle: Bundle, settings: SessionSettings, step: number, state: State, steps: number) {
  const session = await createSession(graphPath(bundle, 'train'), settings);
  try {
    return await runSteps(session, bundle.manifest, step, state, steps);
  } finally {
    await session.release();
  }
}

/** One step that is not counted (the runtime allocates its memory), then `steps`; seconds of each of those. */
async function runSteps(
  session: GraphSession,
  manifest: Manifest,
  step: number,
  initial: State,
  steps: number,
): Promise<number[]> {
  const contract = manifest.graphs.train;
  const { schedule } = manifest.recipe;
  const rate = learningRate(schedule, Math.min(step, schedule.steps - 1), schedule.steps);
  const feeds = new Map<string, HostTensor>([
    ...initial,
    ...randomBatch(contract, manifest.recipe),
    ...scalarFeeds(contract, { ...RANDOM_SCALARS, learning_rate: [rate] }, false),
  ]);
  const seconds: number[] = [];
  for (let i = 0; i <= steps; i++) {
    const start = performance.now();
    const outputs = await session.run(feeds);
    for (const [output, input] of stateOutputs(contract)) {
      const next = outputs.get(output);
      if (next) feeds.set(input, next);
    }
    if (i > 0) seconds.push((performance.now() - start) / 1000);
  }
  return seconds;
}

/** `random` and `hyper` inputs of a step whose numbers do not matter. */
export const RANDOM_SCALARS = {
  learning_rate: [0],
  average_decay: [0.5],
  dropout_seed: [SEED],
  mixup_weight: [0.5],
};
