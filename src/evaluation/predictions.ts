/** What a checkpoint's evaluation graph says of images of a split: scores, embeddings, and the images themselves. */
import { UserError } from '../base/errors';
import { append } from '../base/lists';
import { imageShape } from '../bundle/imageShape';
import type { Manifest } from '../bundle/manifest';
import { createLoader, type LoaderOptions } from '../data/batches/loader';
import { spread } from '../data/batches/sampler';
import { requireClasses } from '../data/sources/classes';
import { openSource } from '../data/sources/readers';
import { withSession, type OpenRun, type ReadOptions } from '../run/openRun';
import { joinFloats, sizeOf } from '../tensors/dtype';
import { joinPixels, type Pixels } from '../tensors/pixels';
import { askImages } from './askImages';
import { batchOptions } from './feeds';
import { validationImages } from './validationImages';

export interface Predictions {
  /** `all`: the data has no division */
  readonly split: 'train' | 'test' | 'all' | 'validation';
  /** images in the whole split */
  readonly available: number;
  readonly classes: readonly string[] | null;
  /** [count], of the images in the source */
  readonly indices: Int32Array;
  /** [count, height, width, channels] */
  readonly images: Pixels;
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

export interface PredictionOptions extends Required<Pick<ReadOptions, 'broken'>> {
  readonly data: string;
  /** validation: the images of the data that the run kept from training */
  readonly split: 'test' | 'validation';
  /** images at most; they are spread evenly over the split */
  readonly count: number;
  readonly augment: boolean;
  readonly workers?: number;
}

/** Runs `eval.onnx` over images of the split. Throws a UserError for whatever is not there or does not fit. */
export async function readPredictions(
  run: OpenRun,
  options: PredictionOptions,
  warn: (line: string) => void,
): Promise<Predictions> {
  const { manifest } = run.bundle;
  const { recipe } = manifest;
  const kept = options.split === 'validation' ? await validationImages(run, options.data) : null;
  const split = kept ? 'train' : 'test';
  const source = await openSource(options.data, split, recipe.task === 'finetune' ? 'needed' : 'optional');
  const { length, classes } = source;
  source.close();
  if (recipe.task === 'finetune') requireClasses(source, run.settings?.classes ?? null);
  if (kept?.some((index) => index >= length)) {
    throw new UserError(
      `--split validation: ${options.data} has only ${length} training images, fewer than the data of ${run.directory}; give the data that it was trained on`,
    );
  }
  const available = kept?.length ?? length;
  const chosen = spread(available, options.count);
  const loaderOptions: LoaderOptions = {
    ...batchOptions(manifest, 'evaluate'),
    augment: options.augment ? recipe.augment : null,
    spec: options.data,
    split,
    indices: kept ? chosen.map((i) => kept[i]) : chosen,
    broken: options.broken,
    seed: PICTURE_SEED,
    workers: options.workers,
    // A pretraining graph asks for no labels; the pictures show them where there are any.
    ...(classes && { labels: { classes: mostClasses(manifest, classes.length) } }),
  };
  return withSession(run, async (session) => {
    const loader = await createLoader(loaderOptions);
    const parts = new Map<string, Float32Array[]>();
    const images: Pixels[] = [];
    const indices: number[] = [];
    const labels: number[] = [];
    const orders: number[] = [];
    for await (const { batch, outputs } of askImages(session, manifest, loader)) {
      const { valid, patch_order: order } = batch;
      for (const { reason } of batch.broken) warn(`left out: ${reason}`);
      append(indices, batch.indices.subarray(0, valid));
      for (const [name, { shape, data }] of outputs) {
        const part = Float32Array.from(data.subarray(0, valid * sizeOf(shape.slice(1))) as Float32Array);
        parts.set(name, [...(parts.get(name) ?? []), part]);
      }
      images.push(batch.images.slice(0, (batch.images.length / recipe.batch) * valid));
      if (batch.labels) append(labels, Array.from(batch.labels.subarray(0, valid), Number));
      if (order) append(orders, Array.from(order.subarray(0, (order.length / recipe.batch) * valid), Number));
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
      images: joinPixels(imageShape(recipe.image).bits, images),
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

/** Classes that the labels may have: a classifier's own number, or all that the data has where none are learned. */
const mostClasses = ({ recipe }: Manifest, there: number) =>
  recipe.task === 'pretrain' ? there : recipe.network.classes;
