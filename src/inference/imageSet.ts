/** The images that `embed` goes through: the splits of a source, and how each image is called there. */
import path from 'node:path';
import { openSplits } from '../data/tools/pack';
import { type Source, type Split } from '../data/sources/source';
import { openSource, sourceOf } from '../data/sources/readers';
import { sha256Lines } from './fingerprint';

export interface ImageSet {
  /** a form of `SOURCE_FORMS` */
  readonly spec: string;
  /** one a split */
  readonly sources: readonly Source[];
  /** splits that the source has not, and why */
  readonly missing: readonly string[];
}

/** Opens the split, or all that there are. `given` may be the bare path of a folder of images. Close the sources. */
export async function openImageSet(given: string, split: Split | 'all'): Promise<ImageSet> {
  const spec = sourceOf(given);
  if (split === 'all') return { spec, ...(await openSplits(spec, 'optional')) };
  return { spec, sources: [await openSource(spec, split, 'optional')], missing: [] };
}

/** The split that a loader asks for: a source without splits gives everything for either. */
export const loaderSplit = ({ split }: Source): Split => (split === 'test' ? 'test' : 'train');

/** Where an image is, below the folder that the source is read from: `cats/1.jpg`, `train-00.tar, 17.jpg`. */
export function imageName(spec: string, where: string): string {
  const root = spec.slice(spec.indexOf(':') + 1);
  // A source of one file is read from the folder that the file lies in.
  for (const folder of [root, path.dirname(root)]) {
    const below = path.relative(folder, where);
    if (!below.startsWith('..') && !path.isAbsolute(below)) return below.split(path.sep).join('/');
  }
  return where;
}

/** Of the names, sizes and labels of all images, wherever they lie; other bytes of the same number do not show. */
export function describeImages({ sources }: ImageSet): string {
  function* lines() {
    for (const source of sources)
      for (let i = 0; i < source.length; i++)
        yield JSON.stringify([source.split, source.key(i), source.storedBytes(i), source.label(i)]);
  }
  return sha256Lines(lines());
}
