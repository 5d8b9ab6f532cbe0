/** Unlabelled images beside a labelled batch, each augmented weakly and strongly (FixMatch, arXiv:2001.07685). */
import { imageLength } from '../../bundle/imageShape';
import type { BatchOptions, BrokenImage } from './options';
import { checkSource } from './checkSource';
import { fillPlaces, noneReadable, readImage, substitutes, takePlaces } from './examples';
import type { Slot } from './memory';
import { Random } from '../../base/random';
import { type Draw, shuffledSampler } from './sampler';
import type { Source } from '../sources/source';
import { openSource } from '../sources/readers';

export interface Unlabelled {
  /** Fills both forms of a step's unlabelled images; gives those that were skipped. Errors as `fillBatch`. */
  fill(step: number, slot: Slot): Promise<BrokenImage[]>;
  close(): void;
}

/**
 * Opens the unlabelled images of `options`, in an order of their own; undefined where batches have none. Where they are those
 * of `labelled`, the source of the batches, that is used and stays open.
 */
export async function openUnlabelled(
  options: BatchOptions,
  labelled: Source,
): Promise<Unlabelled | undefined> {
  const { unlabelled, batch, seed } = options;
  if (!unlabelled) return undefined;
  const shared = unlabelled.spec === options.spec && options.split === 'train';
  const source = shared ? labelled : await openSource(unlabelled.spec, 'train', 'optional');
  const close = () => {
    if (!shared) source.close();
  };
  try {
    checkSource(source, { ...options, labels: undefined });
    const indices = unlabelled.indices ?? Int32Array.from({ length: source.length }, (_, i) => i);
    const sampler = shuffledSampler(indices, unlabelled.ratio * batch, seed, 'unlabelled');
    return {
      fill: (step, slot) => fillUnlabelled(source, options, sampler.draw(step), slot),
      close,
    };
  } catch (error) {
    close();
    throw error;
  }
}

async function fillUnlabelled(
  source: Source,
  options: BatchOptions,
  { epoch, indices, valid }: Draw,
  { unlabelled_weak: weak, unlabelled_strong: strong }: Slot,
): Promise<BrokenImage[]> {
  const { image, seed, augment, unlabelled } = options;
  if (!weak || !strong || !augment || !unlabelled) return [];
  const length = imageLength(image);
  const stronger = { image, augment: { ...augment, ...unlabelled.strong } };
  const broken = await fillPlaces(source, options, indices, valid, async (i) => {
    const part = (array: typeof weak) => array.subarray(i * length, (i + 1) * length);
    const random = (name: string) => new Random(seed, name, epoch, indices[i]);
    await readImage(source, options, indices[i], random('weak'), part(weak));
    await readImage(source, stronger, indices[i], random('strong'), part(strong));
  });
  const report = [...broken.values()];
  if (broken.size === valid) throw noneReadable(valid, report, ' of a batch');
  takePlaces([weak, strong], indices, substitutes(broken, valid, valid, 'train'));
  return report;
}
