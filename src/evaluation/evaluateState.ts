/** `eval.onnx` on the state that a session holds, over every batch of a loader. */
import { patchCounts } from '../bundle/checkRecipe';
import type { Manifest } from '../bundle/manifest';
import { noneReadable } from '../data/batches/examples';
import type { Loader } from '../data/batches/loader';
import type { Batch, BrokenImage } from '../data/batches/options';
import type { StateSession } from '../runtime/stateSession';
import { batchFeeds } from './feeds';
import { effectiveTrials, wilson } from '../base/statistics';

export interface ClassResult {
  readonly name: string;
  readonly count: number;
  /** NaN where there is no example of the class */
  readonly accuracy: number;
}

export interface StateEvaluation {
  /** examples */
  readonly count: number;
  /** means over the examples; for pretraining, of the patches of one fixed mask an image */
  readonly loss: number;
  readonly accuracy: number;
  /** 95 % of the accuracy (Wilson); for pretraining with as many trials as the images' patches are worth */
  readonly interval: readonly [low: number, high: number];
  /** share of the most frequent class; for pretraining, one hidden patch of all that are hidden */
  readonly chance: number;
  /** fraction of examples with the label among the five largest logits; null for pretraining and fewer than six classes */
  readonly top5: number | null;
  /** empty for pretraining */
  readonly perClass: readonly ClassResult[];
  /** class with the largest logit, one an example in the order of the source; empty for pretraining */
  readonly predictions: Int32Array;
  /** [count, classes]; empty for pretraining */
  readonly logits: Float32Array;
  /** [count], of the examples in the source */
  readonly indices: Int32Array;
  /** images that were skipped; they are in nothing above */
  readonly broken: readonly BrokenImage[];
}

/** Runs through the loader, the last partial batch included. Throws a UserError where every image was skipped. */
export async function evaluateState(
  session: StateSession,
  manifest: Manifest,
  loader: Loader,
): Promise<StateEvaluation> {
  const { recipe } = manifest;
  const hidden = recipe.task === 'pretrain' ? patchCounts(recipe).hidden : null;
  const sums = new Sums(recipe.network.classes, hidden);
  for await (const batch of loader) {
    const outputs = await session.run('eval', batchFeeds(manifest.graphs.eval, [batch], false));
    sums.add(batch, (name) => outputs.get(name)?.data.subarray(0) as Float32Array | undefined);
    loader.release([batch]);
  }
  return sums.result(loader.source.classes);
}

/** Adds up what batches say, example by example, leaving out the repetitions that fill the last one. */
class Sums {
  private loss = 0;
  /** of each example */
  private readonly accuracies: number[] = [];
  private top5 = 0;
  private readonly perClass: { count: number; right: number }[];
  private readonly predictions: number[] = [];
  private readonly logits: Float32Array[] = [];
  private readonly indices: number[] = [];
  private readonly broken: BrokenImage[] = [];

  /** `hidden`: patches that a pretraining image hides, null for a classifier */
  constructor(
    private readonly classes: number,
    private readonly hidden: number | null,
  ) {
    this.perClass = Array.from({ length: classes }, () => ({ count: 0, right: 0 }));
  }

  /** `values` gives an output of the graph, [B] for metrics and [B, classes] for logits. */
  add(
    { valid, labels, indices, broken }: Pick<Batch, 'valid' | 'labels' | 'indices' | 'broken'>,
    values: (name: string) => Float32Array | undefined,
  ): void {
    const loss = values('loss');
    const accuracy = values('accuracy');
    if (!loss || !accuracy) throw new Error('eval.onnx gives no loss or accuracy');
    const logits = values('logits');
    this.indices.push(...indices.subarray(0, valid));
    this.broken.push(...broken);
    for (let i = 0; i < valid; i++) {
      this.loss += loss[i];
      this.accuracies.push(accuracy[i]);
      if (!logits || !labels) continue;
      const row = logits.slice(i * this.classes, (i + 1) * this.classes);
      const label = Number(labels[i]);
      const [best] = largest(row, 1);
      this.logits.push(row);
      this.predictions.push(best);
      this.top5 += Number(largest(row, 5).includes(label));
      this.perClass[label].count++;
      this.perClass[label].right += Number(best === label);
    }
  }

  result(names: readonly string[] | null): StateEvaluation {
    const { classes, hidden, accuracies } = this;
    const count = accuracies.length;
    if (count === 0) throw noneReadable(this.broken.length, this.broken);
    const accuracy = accuracies.reduce((sum, value) => sum + value, 0) / count;
    const classified = this.predictions.length > 0;
    const logits = new Float32Array(this.logits.length * classes);
    this.logits.forEach((row, i) => logits.set(row, i * classes));
    return {
      count,
      loss: this.loss / count,
      accuracy,
      interval: wilson(accuracy, hidden === null ? count : effectiveTrials(accuracies, hidden)),
      chance: hidden === null ? Math.max(...this.perClass.map((c) => c.count)) / count : 1 / hidden,
      top5: classified && classes > 5 ? this.top5 / count : null,
      perClass: classified
        ? this.perClass.map((c, label) => ({
            name: names?.[label] ?? String(label),
            count: c.count,
            accuracy: c.right / c.count,
          }))
        : [],
      predictions: Int32Array.from(this.predictions),
      logits,
      indices: Int32Array.from(this.indices),
      broken: this.broken,
    };
  }
}

/** Indices of the `n` largest values, largest first; of equals the one that comes first. */
function largest(row: Float32Array, n: number): number[] {
  return Array.from(row.keys())
    .sort((a, b) => row[b] - row[a] || a - b)
    .slice(0, n);
}
