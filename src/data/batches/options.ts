/** What batches are made of, and what one is. */
import type { Broken } from '../../base/broken';
import type { Grid } from '../../bundle/checkRecipe';
import type { ImageSettings } from '../../bundle/imageShape';
import type { MaskShape } from '../../bundle/recipe';
import type { Augment } from '../images/transforms';
import type { Split } from '../sources/source';

export interface UnlabelledOptions {
  /** a form of `SOURCE_FORMS`; its training split, labels or not */
  readonly spec: string;
  /** images to use; default: all */
  readonly indices?: Int32Array;
  /** for each labelled image of the batch */
  readonly ratio: number;
  /** on top of the batch's own augmentation, which is the weak one */
  readonly strong: Required<Pick<Augment, 'randAugment' | 'magnitude' | 'cutout'>>;
}

/** What decides every byte of every batch; plain data, so that it can be sent to a thread. */
export interface BatchOptions {
  /** a form of `SOURCE_FORMS` */
  readonly spec: string;
  readonly split: Split;
  /** examples to use, in this order where nothing is shuffled; default: all */
  readonly indices?: Int32Array;
  /** so many of those, spread evenly; default: all */
  readonly limit?: number;
  readonly batch: number;
  readonly seed: number;
  /** train: shuffled, endless, full batches only; evaluate: in order, once, the last batch filled up */
  readonly mode: 'train' | 'evaluate';
  /** what images are delivered as; only encoded and packed photographs are resized */
  readonly image: ImageSettings;
  /** null: none (encoded images: resized, the middle cut out) */
  readonly augment: Augment | null;
  /**
   * What an image does that cannot be read or decoded: fail (the default), or be skipped and reported. In training the next
   * readable image of the batch takes its place; in evaluation it does not count.
   */
  readonly broken?: Broken;
  /** fill `labels`, for a network of so many classes */
  readonly labels?: { readonly classes: number };
  /** fill `unlabelled_weak` and `unlabelled_strong` */
  readonly unlabelled?: UnlabelledOptions;
  /** fill `patch_order`, for the patches of `grid`, `hidden` of them hidden */
  readonly patchOrder?: { readonly grid: Grid; readonly hidden: number; readonly mask: MaskShape };
}

/** Of 8 or 16 bits, as `image.bits` says. */
export type SharedPixels = Uint8Array<SharedArrayBuffer> | Uint16Array<SharedArrayBuffer>;

/** An image that was skipped. */
export interface BrokenImage {
  /** in the source */
  readonly index: number;
  /** as the source names it */
  readonly where: string;
  /** where it is and what is wrong with it */
  readonly reason: string;
}

/**
 * The `batch` inputs of a step, named as in the manifest, and where they come from. The arrays lie in shared memory: posting
 * them to a thread copies nothing.
 */
export interface Batch {
  readonly step: number;
  readonly epoch: number;
  /** examples that count, at the front; the rest repeats the last one (evaluation only) */
  readonly valid: number;
  /** [B], of the examples in the source */
  readonly indices: Int32Array;
  /** images that were to be in it; always empty unless they are to be skipped */
  readonly broken: readonly BrokenImage[];
  /** [B, height, width, channels] */
  readonly images: SharedPixels;
  /** int64 [B] */
  readonly labels?: BigInt64Array<SharedArrayBuffer>;
  /** int64 [B, patches] */
  readonly patch_order?: BigInt64Array<SharedArrayBuffer>;
  /** [ratio B, height, width, channels], both of the same images */
  readonly unlabelled_weak?: SharedPixels;
  readonly unlabelled_strong?: SharedPixels;
}
