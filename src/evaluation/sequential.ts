/**
 * Hidden patches one after the other: each image's hidden patches are asked for in a random order, and each one is shown
 * before the next is asked for, so that the attention pooling sees one patch more every time.
 */
import { availableParallelism } from 'node:os';
import { patchCounts } from '../bundle/checkRecipe';
import { readBundle, type Bundle } from '../bundle/read';
import type { MaskShape } from '../bundle/recipe';
import { noneReadable } from '../data/batches/examples';
import { createLoader } from '../data/batches/loader';
import type { BrokenImage } from '../data/batches/options';
import { shapedPatchOrder } from '../data/batches/maskShapes';
import { Random } from '../base/random';
import type { Split } from '../data/sources/source';
import { UserError } from '../base/errors';
import { requireProvider } from '../runtime/providers';
import type { Provider } from '../runtime/providers';
import { StateSession } from '../runtime/stateSession';
import { pickCheckpoint } from '../run/checkpoints';
import { batchFeeds, batchOptions } from './feeds';
import { effectiveTrials, wilson } from '../base/statistics';
import { readRun } from '../run/runFolder';
import { requireState } from '../run/stateTypes';
import type { Score } from './frozen';

export interface SequentialOptions {
  /** run folder of a pretraining */
  readonly directory: string;
  readonly data: string;
  /** default test */
  readonly split?: Split;
  /** of the first mask; default the recipe's */
  readonly mask?: MaskShape;
  /** so many images of the split, spread evenly over it; default: all */
  readonly images?: number;
  /** images that cannot be decoded: fail, or leave them out; default: as the run does, else fail */
  readonly broken?: 'fail' | 'skip';
  readonly checkpoint?: string | number;
  readonly provider?: Provider;
  readonly threads?: number;
  readonly workers?: number;
  /** A bundle of the same run whose evaluation graph hides so many patches: the run half cannot build one. */
  readonly hiding: (hidden: number) => Bundle;
}

export interface Sequential extends Score {
  readonly checkpoint: string;
  readonly step: number;
  readonly split: string;
  /** by the number of patches that were hidden still: all at first, 2 at last */
  readonly stages: readonly (Score & { readonly hidden: number })[];
  /** images that were skipped; they are in nothing above */
  readonly broken: readonly BrokenImage[];
}

/** As in `evaluate`, so that the first masks are the same. */
const SEED = 0;

/** One query of an image: the patch order to feed, and the place asked for as an index into the hidden ones. */
export interface Query {
  readonly order: Int32Array;
  readonly asked: number;
}

/** The query after `revealed` of the hidden places of `order` (the last `hidden` ones) were shown; drawn from `random`. */
export function revealQuery(order: Int32Array, hidden: number, revealed: number, random: Random): Query {
  const places = order.subarray(order.length - hidden);
  const turns = random.permutation(hidden);
  const shown = new Set(Array.from(turns.subarray(0, revealed), (turn) => places[turn]));
  const visible = Int32Array.of(...order.subarray(0, order.length - hidden), ...shown).sort();
  const left = places.filter((place) => !shown.has(place));
  return { order: Int32Array.of(...visible, ...left), asked: left.indexOf(places[turns[revealed]]) };
}

/**
 * Asks each image of the split for one patch at every stage; the last patch, which is alone, is not asked for. Throws a
 * UserError for whatever is not there or does not fit.
 */
export async function evaluateSequential(
  options: SequentialOptions,
  warn: (line: string) => void = () => {},
): Promise<Sequential> {
  const { directory, hiding } = options;
  const { manifest } = readBundle(directory);
  if (manifest.recipe.task !== 'pretrain')
    throw new UserError(`--sequential: only a pretraining bundle hides patches; ${directory} classifies`);
  requireProvider(options.provider ?? manifest.provider);
  const checkpoint = pickCheckpoint(directory, options.checkpoint, warn);
  requireState(checkpoint.file, checkpoint.state, manifest);
  const { hidden } = patchCounts(manifest.recipe);
  const stages: Sequential['stages'][number][] = [];
  const policy = options.broken ?? readRun(directory)?.broken;
  let right: number[] = [];
  let split = '';
  let broken: readonly BrokenImage[] = [];
  for (let revealed = 0; revealed < hidden - 1; revealed++) {
    const left = hidden - revealed;
    const stage = await runStage(hiding(left), checkpoint.state, revealed, hidden, {
      ...options,
      broken: policy,
    });
    const { hits } = stage;
    ({ split, broken } = stage);
    right = hits.map((hit, i) => (right[i] ?? 0) + hit);
    const accuracy = hits.reduce((sum, hit) => sum + hit, 0) / hits.length;
    const interval = wilson(accuracy, hits.length);
    stages.push({ hidden: left, count: hits.length, accuracy, interval, chance: 1 / left });
  }
  const mean = (of: (stage: Score) => number) => stages.reduce((sum, s) => sum + of(s), 0) / stages.length;
  const fractions = right.map((sum) => sum / stages.length);
  const accuracy = mean((stage) => stage.accuracy);
  return {
    checkpoint: checkpoint.file,
    step: checkpoint.step,
    split,
    count: right.length,
    accuracy,
    interval: wilson(accuracy, effectiveTrials(fractions, stages.length)),
    chance: mean((stage) => stage.chance),
    stages,
    broken,
  };
}

/** For each image that is not skipped 1 where the asked patch was found, else 0. */
async function runStage(
  bundle: Bundle,
  state: Parameters<StateSession['setState']>[0],
  revealed: number,
  hidden: number,
  { data, split = 'test', mask: wanted, provider, threads, ...loading }: SequentialOptions,
): Promise<{ split: string; hits: number[]; broken: BrokenImage[] }> {
  const { manifest } = bundle;
  const contract = manifest.graphs.eval;
  const mask = wanted ?? manifest.recipe.patch.mask;
  const { grid, patches } = patchCounts(manifest.recipe);
  const left = hidden - revealed;
  const loader = await createLoader({
    ...batchOptions(manifest, 'evaluate'),
    spec: data,
    split,
    limit: loading.images,
    seed: SEED,
    broken: loading.broken,
    workers: loading.workers,
  });
  const session = new StateSession(bundle, {
    provider: provider ?? manifest.provider,
    threads: threads ?? availableParallelism(),
  });
  const hits: number[] = [];
  const broken: BrokenImage[] = [];
  try {
    await session.setState(state);
    for await (const batch of loader) {
      const asked = Array.from(batch.indices, (index, i) => {
        const first = shapedPatchOrder(mask, SEED, 0, index, grid, hidden);
        const query = revealQuery(first, hidden, revealed, new Random(SEED, 'reveal', index));
        batch.patch_order?.set(BigInt64Array.from(query.order, BigInt), i * patches);
        return query.asked;
      });
      const logits = (await session.run('eval', batchFeeds(contract, [batch], false))).get('logits')?.data;
      if (!logits) throw new Error('eval.onnx gave no logits');
      for (let i = 0; i < batch.valid; i++) {
        const from = (i * left + asked[i]) * left;
        const row = Array.from(logits.subarray(from, from + left), Number);
        hits.push(Number(row.indexOf(Math.max(...row)) === asked[i]));
      }
      broken.push(...batch.broken);
      loader.release([batch]);
    }
  } finally {
    await Promise.all([loader.close(), session.close()]);
  }
  if (hits.length === 0) throw noneReadable(broken.length, broken);
  return { split: loader.source.split, hits, broken };
}
