/** `eval.onnx` on the state that a session holds, over every batch of a loader. */
import { append, maxOf } from '../base/lists';
import { effectiveTrials, wilson } from '../base/statistics';
import { patchCounts } from '../bundle/checkRecipe';
import type { Manifest } from '../bundle/manifest';
import { noneReadable } from '../data/batches/examples';
import type { Loader } from '../data/batches/loader';
import type { BrokenImage } from '../data/batches/options';
import type { StateSession } from '../runtime/stateSession';
import { largestIndices } from '../tensors/rows';
import { askImages, type Answer } from './askImages';

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
  for await (const answer of askImages(session, manifest, loader)) sums.add(answer);
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

  add({ batch: { valid, labels, indices, broken }, output, outputs }: Answer): void {
    const loss = output('loss').data as Float32Array;
    const accuracy = output('accuracy').data as Float32Array;
    const logits = outputs.get('logits')?.data as Float32Array | undefined;
    append(this.indices, indices.subarray(0, valid));
    append(this.broken, broken);
    for (let i = 0; i < valid; i++) {
      this.loss += loss[i];
      this.accuracies.push(accuracy[i]);
      if (!logits || !labels) continue;
      const row = logits.slice(i * this.classes, (i + 1) * this.classes);
      const label = Number(labels[i]);
      this.logits.push(row);
      const five = largestIndices(row, 5);
      const [best] = five;
      this.predictions.push(best);
      this.top5 += Number(five.includes(label));
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
      chance: hidden === null ? maxOf(this.perClass.map((c) => c.count)) / count : 1 / hidden,
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
