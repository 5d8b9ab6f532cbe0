/** Reader of the embedded data set: images are generated when first asked for and kept. */
import {
  EMBEDDED_CLASSES,
  EMBEDDED_SIZE,
  EMBEDDED_SIZES,
  embeddedImage,
  embeddedLabel,
} from './embedded/embedded';
import type { PixelSource, Split } from './source';

/** The data set is one fixed set; a run's seed draws order and augmentation, not the images. */
const DATA_SEED = 0;

export function openBuiltin(split: Split): PixelSource {
  const kept: (Uint8Array | undefined)[] = [];
  return {
    kind: 'pixels',
    name: 'embedded',
    split,
    length: EMBEDDED_SIZES[split],
    classes: EMBEDDED_CLASSES,
    width: EMBEDDED_SIZE,
    height: EMBEDDED_SIZE,
    channels: 3,
    pixels: (index) => (kept[index] ??= embeddedImage(DATA_SEED, split, index).pixels),
    label: (index) => embeddedLabel(DATA_SEED, split, index),
    where: (index) => `embedded ${split} image ${index}`,
    key: (index) => `${split}/${index}`,
    storedBytes: () => 3 * EMBEDDED_SIZE ** 2,
    close: () => {
      kept.length = 0;
    },
  };
}
