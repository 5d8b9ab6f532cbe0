/** Images that an exported model is compared, calibrated and measured on. */
import { imageDims, imageLength, imageShape } from '../bundle/imageShape';
import type { Manifest } from '../bundle/manifest';
import { requireClasses } from '../data/sources/classes';
import { createLoader } from '../data/batches/loader';
import { Random } from '../base/random';
import { spread } from '../data/batches/sampler';
import { type Source, type Split } from '../data/sources/source';
import { openSource } from '../data/sources/readers';
import { sizeOf, type HostTensor } from '../tensors/dtype';
import { allocatePixels, bitsOf, normalizePixels, type Pixels, pixelType } from '../tensors/pixels';
import { batchOptions } from '../evaluation/feeds';
import type { ExportInput } from './form';
import { publicSource } from '../data/sources/publicSource';

export interface Samples {
  /** pixels [count, height, width, C] */
  readonly images: HostTensor;
  /** null: unlabelled, or the network has no classes */
  readonly labels: Int32Array | null;
  /** as it may be published */
  readonly data: string;
  /** `all`: the source has no division, so that these may have been trained on */
  readonly split: Source['split'];
}

/** Noise, as many images as the evaluation graph takes. */
export function noise({ recipe: { image, batch } }: Manifest): HostTensor {
  const random = new Random(0, 'export');
  const shape = [batch, ...imageDims(image)];
  const { bits } = imageShape(image);
  const data = allocatePixels(bits, sizeOf(shape)).map(() => random.integer(2 ** bits));
  return { dtype: pixelType(bits), shape, data };
}

/**
 * At most `count` images of a split, spread evenly over it, as evaluation sees them. UserError where they do not fit, or where
 * their labels are not those of `classes`.
 */
export async function readSamples(
  manifest: Manifest,
  spec: string,
  split: Split,
  count: number,
  workers?: number,
  classes: readonly string[] | null = null,
): Promise<Samples> {
  const source = await openSource(spec, split);
  source.close();
  const indices = spread(source.length, count);
  const options = batchOptions(manifest, 'evaluate');
  const labelled = options.labels !== undefined && source.classes !== null;
  if (labelled) requireClasses(source, classes);
  const loader = await createLoader({
    ...options,
    patchOrder: undefined,
    labels: labelled ? options.labels : undefined,
    spec,
    split,
    indices,
    seed: 0,
    workers,
  });
  const { image } = manifest.recipe;
  const { bits } = imageShape(image);
  const each = imageLength(image);
  const images = allocatePixels(bits, indices.length * each);
  const labels = new Int32Array(indices.length);
  let at = 0;
  try {
    for await (const batch of loader) {
      images.set(batch.images.subarray(0, batch.valid * each), at * each);
      for (let i = 0; i < batch.valid; i++) labels[at + i] = Number(batch.labels?.[i] ?? -1);
      at += batch.valid;
      loader.release([batch]);
    }
  } finally {
    await loader.close();
  }
  return {
    images: { dtype: pixelType(bits), shape: [indices.length, ...imageDims(image)], data: images },
    labels: labelled ? labels : null,
    data: publicSource(spec),
    split: source.split,
  };
}

/** Images of pixels [N, height, width, C] as an input of that form takes them. */
export function asInput(
  images: HostTensor,
  input: ExportInput,
  { mean, std }: Pick<Manifest['recipe']['image'], 'mean' | 'std'>,
): HostTensor {
  if (input !== 'float') return images;
  const pixels = images.data as Pixels;
  const [n, h, w, c] = images.shape;
  const floats = normalizePixels(pixels, c, h * w, mean, std, bitsOf(pixels));
  return { dtype: 'float32', shape: [n, c, h, w], data: floats };
}

/** A tensor in parts along its first axis: `first` of it, and the rest by `size`. */
export function* inParts(
  { dtype, shape, data }: HostTensor,
  size: number,
  first = size,
): Generator<HostTensor> {
  const [count, ...rest] = shape;
  const each = data.length / count;
  for (let from = 0, to = Math.min(count, first); from < count; from = to, to = Math.min(count, to + size))
    yield { dtype, shape: [to - from, ...rest], data: data.slice(from * each, to * each) };
}
