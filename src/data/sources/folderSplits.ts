/** Where the splits of a folder of images are, as tools and people name them. */
import path from 'node:path';
import { UserError } from '../../base/errors';
import { list } from './folderListing';
import { AbsentSplit, type Split } from './source';
import { isSplit, SPLIT_NAMES } from './splitNames';

/** The folder inside of folders that hold nothing else, as archives are unpacked; `root` where it is none of those. */
export function withoutOuter(root: string): string {
  const { images, folders } = list(root);
  if (images.length > 0 || folders.length !== 1 || isSplit(folders[0])) return root;
  const inside = path.join(root, folders[0]);
  const next = list(inside);
  // A folder of images is a class, or all images: that is for `openFolder` to say.
  return next.images.length > 0 || next.folders.length === 0 ? root : withoutOuter(inside);
}

interface FoundSplit {
  readonly directory: string;
  /** `all`: there is no division */
  readonly split: Split | 'all';
  /** the folder of the training images; null: there is none of its own */
  readonly train: string | null;
  readonly notes: readonly string[];
}

/**
 * The folder of a split below `root`; `root` itself where it is not divided into splits.
 * @throws AbsentSplit where only the other one is there; UserError for two folders that mean the same split
 */
export function findSplit(root: string, split: Split): FoundSplit {
  const { folders } = list(root);
  const inRow = (names: readonly string[]) => folders.filter((name) => names.includes(name.toLowerCase()));
  const rows = (of: Split) => SPLIT_NAMES[of].map(inRow).filter((found) => found.length > 0);
  for (const row of [...rows('train'), ...rows('test')])
    if (row.length > 1)
      throw new UserError(
        `${root} has the folders ${row.join(' and ')}, which mean the same split; rename one of them, or move it away`,
      );
  const [train] = rows('train').flat();
  const [own, ...more] = rows(split).flat();
  const trainFolder = train === undefined ? null : path.join(root, train);
  if (own === undefined && folders.some(isSplit))
    throw new AbsentSplit(
      `${root} has no folder ${SPLIT_NAMES[split].map(([name]) => name).join(' or ')} for its ${split} images`,
    );
  if (own === undefined) return { directory: root, split: 'all', train: null, notes: [] };
  const beside = folders.filter((name) => !isSplit(name));
  return {
    directory: path.join(root, own),
    split,
    train: trainFolder,
    notes: [
      ...(more.length > 0 ? [`the ${split} images are those of ${own}, not those of ${more.join()}`] : []),
      ...(beside.length > 0 ? [`passed over ${beside.join(', ')}, beside the folders of splits`] : []),
    ],
  };
}
