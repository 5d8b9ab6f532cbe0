/** What a checkpoint's evaluation graph says of images of a split: scores, embeddings, and the images themselves. */
import type { Manifest } from '../bundle/manifest';
import type { Bundle } from '../bundle/read';
import { requireClasses } from '../data/sources/classes';
import type { LoaderOptions } from '../data/batches/loader';
import { createLoader } from '../data/batches/loader';
import { spread } from '../data/batches/sampler';
import { openSource } from '../data/sources/readers';
import { UserError } from '../base/errors';
import { joinFloats, type HostTensor } from '../tensors/dtype';
import type { Provider } from '../runtime/providers';
import { requireProvider } from '../runtime/providers';
import { StateSession } from '../runtime/stateSession';
import type { Checkpoint } from '../run/checkpoints';
import { batchFeeds, batchOptions } from './feeds';
import { readRun } from '../run/runFolder';
import { requireState } from '../run/stateTypes';
import { readValidationIndices } from '../run/validationFile';

export interface Predictions {
  /** `all`: the data has no division */
  readonly split: 'train' | 'test' | 'all' | 'validation';
  /** images in the whole split */
  readonly available: number;
  readonly classes: readonly string[] | null;
  /** [count], of the images in the source */
  readonly indices: Int32Array;
  /** uint8 [count, size, size, channels] */
  readonly images: Uint8Array;
  /** [count]; null: unlabelled */
  readonly labels: Int32Array | null;
  /** [count] each */
  readonly loss: Float32Array;
  readonly accuracy: Float32Array;
  /** [count, classes] for classifiers, [count, hidden, hidden] for pretraining (a row a query); null: the graph gives none */
  readonly logits: Float32Array | null;
  /** [count, width]; null: the graph gives none */
  readonly embedding: Float32Array | null;
  /** [count, patches]; null for classifiers */
  readonly patchOrder: Int32Array | null;
}

/** Masks and augmentation come from this seed, as in `selfie evaluate`. */
export const PICTURE_SEED = 0;

export interface PredictOptions {
  readonly data: string;
  /** validation: the images of the data that the run kept from training */
  readonly split: 'test' | 'validation';
  /** images at most; they are spread evenly over the split */
  readonly count: number;
  readonly augment: boolean;
  readonly broken: 'fail' | 'skip';
  readonly provider?: Provider;
  readonly threads: number;
  readonly workers?: number;
}

/** Runs `eval.onnx` over images of the split. Throws a UserError for whatever is not there or does not fit. */
export async function predict(
  directory: string,
  bundle: Bundle,
  checkpoint: Checkpoint,
  options: PredictOptions,
  warn: (line: string) => void,
): Promise<Predictions> {
  const { manifest } = bundle;
  const kept = options.split === 'validation' ? readValidationIndices(directory) : null;
  const split = kept ? 'train' : 'test';
  const source = await openSource(options.data, split);
  const { length, classes } = source;
  source.close();
  if (manifest.recipe.task === 'finetune') requireClasses(source, readRun(directory)?.classes ?? null);
  if (kept?.some((index) => index >= length)) {
    throw new UserError(
      `--split validation: ${options.data} has only ${length} training images, fewer than the data of ${directory}; give the data that it was trained on`,
    );
  }
  const available = kept?.length ?? length;
  const chosen = spread(available, options.count);
  const loaderOptions: LoaderOptions = {
    ...batchOptions(manifest, 'evaluate'),
    augment: options.augment ? manifest.recipe.augment : null,
    spec: options.data,
    split,
    indices: kept ? chosen.map((i) => kept[i]) : chosen,
    broken: options.broken,
    seed: PICTURE_SEED,
    workers: options.workers,
    // A pretraining graph asks for no labels; the pictures show them where there are any.
    ...(classes && { labels: { classes: mostClasses(manifest, classes.length) } }),
  };
  return withEvaluation(bundle, checkpoint, options, async (evaluate) => {
    const loader = await createLoader(loaderOptions);
    const parts = new Map<string, Float32Array[]>();
    const images: Uint8Array[] = [];
    const indices: number[] = [];
    const labels: number[] = [];
    const orders: number[] = [];
    try {
      for await (const batch of loader) {
        const { valid } = batch;
        for (const { reason } of batch.broken) warn(`left out: ${reason}`);
        indices.push(...batch.indices.subarray(0, valid));
        const outputs = await evaluate(batchFeeds(manifest.graphs.eval, [batch], false));
        for (const [name, { shape, data }] of outputs) {
          const each = shape.slice(1).reduce((product, size) => product * size, 1);
          const kept = Float32Array.from(data.subarray(0, valid * each) as Float32Array);
          parts.set(name, [...(parts.get(name) ?? []), kept]);
        }
        images.push(
          Uint8Array.from(batch.images.subarray(0, (batch.images.length / manifest.recipe.batch) * valid)),
        );
        if (batch.labels) for (const label of batch.labels.subarray(0, valid)) labels.push(Number(label));
        const { patch_order: order } = batch;
        if (order)
          for (const place of order.subarray(0, (order.length / manifest.recipe.batch) * valid))
            orders.push(Number(place));
        loader.release([batch]);
      }
    } finally {
      await loader.close();
    }
    const joined = (name: string) => {
      const found = parts.get(name);
      return found ? joinFloats(found) : null;
    };
    const required = (name: string) => {
      const found = joined(name);
      if (!found) throw new Error(`eval.onnx gives no ${name}`);
      return found;
    };
    if (indices.length === 0) throw new UserError(`${options.data}: none of the images can be decoded`);
    return {
      split: kept ? 'validation' : loader.source.split,
      available,
      classes,
      indices: Int32Array.from(indices),
      images: new Uint8Array(Buffer.concat(images)),
      labels: labels.length > 0 ? Int32Array.from(labels) : null,
      loss: required('loss'),
      accuracy: required('accuracy'),
      logits: joined('logits'),
      embedding: joined('embedding'),
      patchOrder: orders.length > 0 ? Int32Array.from(orders) : null,
    };
  });
}

/** `1,000 of the 10,000 images of the test split` */
export function describeImages({ indices, available, split }: Predictions): string {
  const count = (n: number) => n.toLocaleString('en');
  const number = indices.length === available ? 'all' : `${count(indices.length)} of the`;
  return `${number} ${count(available)} images ${OF_SPLIT[split]}`;
}

const OF_SPLIT: Readonly<Record<Predictions['split'], string>> = {
  train: 'of the train split',
  test: 'of the test split',
  all: '(no division into train and test)',
  validation: 'that the run kept from training',
};

type Evaluate = (feeds: Iterable<readonly [string, HostTensor]>) => Promise<Map<string, HostTensor>>;

/** Opens a session with the checkpoint's state for `use`, and closes it. */
export async function withEvaluation<T>(
  bundle: Bundle,
  checkpoint: Checkpoint,
  {
    provider = bundle.manifest.provider,
    threads,
  }: { readonly provider?: Provider; readonly threads: number },
  use: (evaluate: Evaluate) => Promise<T>,
): Promise<T> {
  requireState(checkpoint.file, checkpoint.state, bundle.manifest);
  requireProvider(provider);
  const session = new StateSession(bundle, { provider, threads });
  try {
    await session.setState(checkpoint.state);
    return await use((feeds) => session.run('eval', feeds));
  } finally {
    await session.close();
  }
}

/** Classes that the labels may have: a classifier's own number, or all that the data has where none are learned. */
const mostClasses = ({ recipe }: Manifest, there: number) =>
  recipe.task === 'pretrain' ? there : recipe.network.classes;
