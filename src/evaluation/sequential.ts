/**
 * Hidden patches one after the other: each image's hidden patches are asked for in a random order, and each one is shown
 * before the next is asked for, so that the attention pooling sees one patch more every time.
 */
import { UserError } from '../base/errors';
import { append } from '../base/lists';
import { Random } from '../base/random';
import { effectiveTrials, wilson } from '../base/statistics';
import { patchCounts } from '../bundle/checkRecipe';
import type { Bundle } from '../bundle/read';
import type { MaskShape } from '../bundle/recipe';
import { noneReadable } from '../data/batches/examples';
import { createLoader } from '../data/batches/loader';
import { shapedPatchOrder } from '../data/batches/maskShapes';
import type { BrokenImage } from '../data/batches/options';
import type { Split } from '../data/sources/source';
import { openRun, withSession, type OpenRun, type ReadOptions, type RunOptions } from '../run/openRun';
import { argmax } from '../tensors/rows';
import { batchFeeds, batchOptions } from './feeds';
import type { Score } from './frozen';

export interface SequentialOptions extends RunOptions, ReadOptions {
  readonly data: string;
  /** default test */
  readonly split?: Split;
  /** of the first mask; default the recipe's */
  readonly mask?: MaskShape;
  /** so many images of the split, spread evenly over it; default: all */
  readonly images?: number;
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
  const visible = Int32Array.from([...order.subarray(0, order.length - hidden), ...shown]).sort();
  const left = places.filter((place) => !shown.has(place));
  return { order: Int32Array.from([...visible, ...left]), asked: left.indexOf(places[turns[revealed]]) };
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
  const run = openRun(options, warn);
  const { manifest } = run.bundle;
  if (manifest.recipe.task !== 'pretrain')
    throw new UserError(`--sequential: only a pretraining bundle hides patches; ${directory} classifies`);
  const { hidden } = patchCounts(manifest.recipe);
  const stages: Sequential['stages'][number][] = [];
  let right: number[] = [];
  let split = '';
  let broken: readonly BrokenImage[] = [];
  for (let revealed = 0; revealed < hidden - 1; revealed++) {
    const left = hidden - revealed;
    const stage = await runStage(run, hiding(left), revealed, hidden, options);
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
    checkpoint: run.checkpoint.file,
    step: run.checkpoint.step,
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
function runStage(
  run: OpenRun,
  bundle: Bundle,
  revealed: number,
  hidden: number,
  options: SequentialOptions,
): Promise<{ split: string; hits: number[]; broken: BrokenImage[] }> {
  const { manifest } = bundle;
  const { mask = manifest.recipe.patch.mask } = options;
  const { grid, patches } = patchCounts(manifest.recipe);
  const left = hidden - revealed;
  return withSession(
    run,
    async (session) => {
      const loader = await createLoader({
        ...batchOptions(manifest, 'evaluate'),
        spec: options.data,
        split: options.split ?? 'test',
        limit: options.images,
        seed: SEED,
        broken: options.broken ?? run.settings?.broken,
        workers: options.workers,
      });
      const hits: number[] = [];
      const broken: BrokenImage[] = [];
      for await (const batch of loader) {
        const asked = Array.from(batch.indices, (index, i) => {
          const first = shapedPatchOrder(mask, SEED, 0, index, grid, hidden);
          const query = revealQuery(first, hidden, revealed, new Random(SEED, 'reveal', index));
          batch.patch_order?.set(BigInt64Array.from(query.order, BigInt), i * patches);
          return query.asked;
        });
        const feeds = batchFeeds(manifest.graphs.eval, [batch], false);
        const logits = (await session.run('eval', feeds)).get('logits')?.data as Float32Array | undefined;
        if (!logits) throw new Error('eval.onnx gives no logits');
        for (let i = 0; i < batch.valid; i++) {
          const from = (i * left + asked[i]) * left;
          hits.push(Number(argmax(logits.subarray(from, from + left)) === asked[i]));
        }
        append(broken, batch.broken);
        loader.release([batch]);
      }
      if (hits.length === 0) throw noneReadable(broken.length, broken);
      return { split: loader.source.split, hits, broken };
    },
    bundle,
  );
}
