/** Where a page's images come from: the generator in the package, or what the person dropped. */
import { openBuiltin } from '../../data/sources/builtin';
import type { EncodedSource, PixelSource } from '../../data/sources/source';
import type { DecodedImage } from '../../data/images/transforms';
import { BROWSER } from '../../run/runIdentity';
import type { LeftOut } from '../common/words';

/** Dropped images, decoded in RGB and reduced; in the order of `listImages`. */
export interface Photos {
  readonly names: readonly string[];
  readonly images: readonly DecodedImage[];
  /** by image; null: unlabelled */
  readonly labels: readonly number[] | null;
  readonly classes: readonly string[] | null;
  /** of what was dropped */
  readonly leftOut: readonly LeftOut[];
}

/** Images of any size. */
export interface PhotoSource extends Omit<EncodedSource, 'bytes'> {
  image(index: number): DecodedImage;
}

export type WebSource = PixelSource | PhotoSource;

export function photoSource({ names, images, labels, classes }: Omit<Photos, 'leftOut'>): PhotoSource {
  return {
    kind: 'encoded',
    name: `${BROWSER}${images.length} images`,
    split: 'all',
    length: images.length,
    classes,
    image: (index) => images[index],
    key: (index) => names[index],
    storedBytes: (index) => images[index].pixels.byteLength,
    label: (index) => labels?.[index] ?? null,
    where: (index) => names[index],
    close: () => undefined,
  };
}

export const embeddedSource = openBuiltin;
