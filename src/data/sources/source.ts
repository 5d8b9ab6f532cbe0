/** What a reader of images gives. */
import { UserError } from '../../base/errors';
import type { PixelBits, Pixels } from '../../tensors/pixels';

export type Split = 'train' | 'test';

/** A source is there and has no images of the split that was asked for: nothing is damaged. */
export class AbsentSplit extends UserError {}

export interface SourceBase {
  /** what messages call it, e.g. `cifar10:data/cifar-10-batches-bin` */
  readonly name: string;
  /** `all`: the source has no division, and both splits are everything */
  readonly split: Split | 'all';
  /** what was passed over, and how the data was understood where that could surprise */
  readonly notes?: readonly string[];
  /** number of images */
  readonly length: number;
  /** class names by label; null: unlabelled */
  readonly classes: readonly string[] | null;
  /** in [0, classes.length); null: unlabelled */
  label(index: number): number | null;
  /** where the image is, for messages: a file, or a file and its record */
  where(index: number): string;
  /** the image's name in the source, the same wherever that lies: a path with `/`, a file and its record */
  key(index: number): string;
  /** SHA-256 of all pixels, where it is stored beside them */
  readonly digest?: string;
  /** stored size of the image; -1 where it cannot be read. Asks the disk where it must: not for every step */
  storedBytes(index: number): number;
  close(): void;
}

/** Images that are stored as pixels of one size. */
export interface PixelSource extends SourceBase {
  readonly kind: 'pixels';
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  /** squares cut from photographs: cropped at random and resized like encoded images, so that any size may be asked for */
  readonly resizable?: boolean;
  /** of a value, default 8 */
  readonly bits?: PixelBits;
  /** [height * width * channels] in row, column, channel order; do not write into it */
  pixels(index: number): Pixels;
}

/** Images that are stored as files of any size, JPEG, PNG and others, or as arrays of NumPy; decoded in `images.ts`, together with crop and resize. */
export interface EncodedSource extends SourceBase {
  readonly kind: 'encoded';
  bytes(index: number): Promise<Uint8Array>;
}

export type Source = PixelSource | EncodedSource;
