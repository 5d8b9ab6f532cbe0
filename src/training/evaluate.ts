/** Evaluation: `eval.onnx` with running statistics over a whole split, the last partial batch included. */
import { availableParallelism } from 'node:os';
import { readBundle } from '../bundle/read';
import { createLoader } from '../data/loader';
import type { Split } from '../data/source';
import { requireProvider } from '../runtime/providers';
import type { Provider } from '../runtime/providers';
import { StateSession } from '../runtime/stateSession';
import { pickCheckpoint } from './checkpoints';
import { batchFeeds, batchOptions } from './feeds';
import { requireState } from './stateTypes';

export interface EvaluateOptions {
  /** run folder */
  readonly directory: string;
  /** `embedded`, `cifar10:PATH`, `folder:PATH` */
  readonly data: string;
  /** default test */
  readonly split?: Split;
  /** step or file; default: the newest checkpoint */
  readonly checkpoint?: string | number;
  /**
   * Augments the images as training does, from a fixed seed: the patch accuracy of the very task that was trained. Zero
   * padding tells which patches are at the border, so on plain images that task is harder.
   */
  readonly augment?: boolean;
  /** default: the provider the bundle was lowered for */
  readonly provider?: Provider;
  readonly threads?: number;
  readonly workers?: number;
}

export interface ClassResult {
  readonly name: string;
  readonly count: number;
  /** NaN where there is no example of the class */
  readonly accuracy: number;
}

export interface Evaluation {
  readonly checkpoint: string;
  readonly step: number;
  readonly split: string;
  /** examples */
  readonly count: number;
  /** means over the examples; for pretraining, of the patches of one fixed mask an image */
  readonly loss: number;
  readonly accuracy: number;
  /** fraction of examples with the label among the five largest logits; null for pretraining and fewer than six classes */
  readonly top5: number | null;
  /** empty for pretraining */
  readonly perClass: readonly ClassResult[];
  /** class with the largest logit, one an example in the order of the source; empty for pretraining */
  readonly predictions: Int32Array;
  /** [count, classes]; empty for pretraining */
  readonly logits: Float32Array;
}

/** Masks and augmentation of an evaluation come from this seed, so that two evaluations can be compared. */
const EVALUATION_SEED = 0;

/** Evaluates a run's checkpoint on all examples of a split. Throws a UserError for whatever is not there or does not fit. */
export async function evaluate(
  options: EvaluateOptions,
  warn: (line: string) => void = () => {},
): Promise<Evaluation> {
  const { directory, data, split = 'test', workers, threads = availableParallelism() } = options;
  const bundle = readBundle(directory);
  const { manifest } = bundle;
  const checkpoint = pickCheckpoint(directory, options.checkpoint, warn);
  requireState(checkpoint.file, checkpoint.state, manifest);
  const provider = options.provider ?? manifest.provider;
  requireProvider(provider);
  const contract = manifest.graphs.eval;
  const loader = await createLoader({
    ...batchOptions(manifest, 'evaluate'),
    augment: options.augment ? manifest.recipe.augment : null,
    spec: data,
    split,
    seed: EVALUATION_SEED,
    workers,
  });
  const session = new StateSession(bundle, { provider, threads });
  const sums = new Sums(manifest.recipe.network.classes);
  try {
    await session.setState(checkpoint.state);
    for await (const batch of loader) {
      const outputs = await session.run('eval', batchFeeds(contract, [batch], false));
      const values = (name: string) => outputs.get(name)?.data.subarray(0) as Float32Array | undefined;
      sums.add(batch.valid, batch.labels, values);
      loader.release([batch]);
    }
  } finally {
    await Promise.all([loader.close(), session.close()]);
  }
  const { source } = loader;
  return {
    checkpoint: checkpoint.file,
    step: checkpoint.step,
    split: source.split,
    ...sums.result(source.classes),
  };
}

/** Adds up what batches say, example by example, leaving out the repetitions that fill the last one. */
class Sums {
  private count = 0;
  private loss = 0;
  private accuracy = 0;
  private top5 = 0;
  private readonly perClass: { count: number; right: number }[];
  private readonly predictions: number[] = [];
  private readonly logits: Float32Array[] = [];

  constructor(private readonly classes: number) {
    this.perClass = Array.from({ length: classes }, () => ({ count: 0, right: 0 }));
  }

  /** `values` gives an output of the graph, [B] for metrics and [B, classes] for logits. */
  add(
    valid: number,
    labels: BigInt64Array | undefined,
    values: (name: string) => Float32Array | undefined,
  ): void {
    const loss = values('loss');
    const accuracy = values('accuracy');
    if (!loss || !accuracy) throw new Error('eval.onnx gives no loss or accuracy');
    const logits = values('logits');
    this.count += valid;
    for (let i = 0; i < valid; i++) {
      this.loss += loss[i];
      this.accuracy += accuracy[i];
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

  result(names: readonly string[] | null): Omit<Evaluation, 'checkpoint' | 'step' | 'split'> {
    const { count, classes } = this;
    const classified = this.predictions.length > 0;
    const logits = new Float32Array(this.logits.length * classes);
    this.logits.forEach((row, i) => logits.set(row, i * classes));
    return {
      count,
      loss: this.loss / count,
      accuracy: this.accuracy / count,
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
    };
  }
}

/** Indices of the `n` largest values, largest first; of equals the one that comes first. */
function largest(row: Float32Array, n: number): number[] {
  return Array.from(row.keys())
    .sort((a, b) => row[b] - row[a] || a - b)
    .slice(0, n);
}
