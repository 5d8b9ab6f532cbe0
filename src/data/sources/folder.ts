/** Reader of image folders, ImageNet's among them: one folder a class, or images without labels; JPEG, PNG and WebP. */
import { readdirSync, realpathSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { UserError } from '../../base/errors';
import type { EncodedSource, Split } from './source';

const IMAGE = /\.(jpe?g|png|webp|tiff?|npy)$/i;
/** Names a folder may have for each split, the first that is there counts. */
const SPLIT_FOLDERS: Readonly<Record<Split, readonly string[]>> = { train: ['train'], test: ['val', 'test'] };

interface Listing {
  readonly images: readonly string[];
  readonly folders: readonly string[];
}

const isFolder = (file: string) => statSync(file, { throwIfNoEntry: false })?.isDirectory() ?? false;

/** Images and folders directly in `directory`; dot files and links to a folder around it are left out. */
function list(directory: string): Listing {
  const images: string[] = [];
  const folders: string[] = [];
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    if (entry.name.startsWith('.')) continue;
    const file = path.join(directory, entry.name);
    const link = entry.isSymbolicLink();
    if (entry.isDirectory() || (link && isFolder(file))) {
      const loops = link && `${realpathSync(directory)}${path.sep}`.startsWith(realpathSync(file) + path.sep);
      if (!loops) folders.push(entry.name);
    } else if (IMAGE.test(entry.name)) {
      images.push(entry.name);
    }
  }
  // Plain sort compares UTF-16 code units: the same order under every locale and file system.
  return { images: images.sort(), folders: folders.sort() };
}

/** What `files` are below `root`. */
const storedIn = (root: string, files: readonly string[]): Pick<EncodedSource, 'key' | 'storedBytes'> => ({
  key: (index) => path.relative(root, files[index]).split(path.sep).join('/'),
  storedBytes: (index) => sizeOf(files[index]),
});

/** -1 for a link to nothing and the like. */
function sizeOf(file: string): number {
  try {
    return statSync(file).size;
  } catch {
    return -1;
  }
}

/** Every image below `directory`, as paths. */
function listDeep(directory: string): string[] {
  const { images, folders } = list(directory);
  return [
    ...images.map((name) => path.join(directory, name)),
    ...folders.flatMap((name) => listDeep(path.join(directory, name))),
  ];
}

/** The folder of a split below `root`; `root` itself where it is not divided into splits. */
function splitFolder(root: string, split: Split): { directory: string; split: Split | 'all' } {
  const find = (names: readonly string[]) => names.map((name) => path.join(root, name)).find(isFolder);
  const directory = find(SPLIT_FOLDERS[split]);
  if (directory !== undefined) return { directory, split };
  if (find([...SPLIT_FOLDERS.train, ...SPLIT_FOLDERS.test]) === undefined) {
    return { directory: root, split: 'all' };
  }
  throw new UserError(`${root} has no folder ${SPLIT_FOLDERS[split].join(' or ')} for its ${split} images`);
}

/** Class names: folders directly below, where no image lies beside them; otherwise null. */
function classNames(directory: string): readonly string[] | null {
  const { images, folders } = list(directory);
  return images.length > 0 || folders.length === 0 ? null : folders;
}

/**
 * Opens a folder of images. `train/` and `val/` or `test/` below it are its splits; without them, all of it serves either
 * split. Folders in a split are classes (labels by sorted name, those of `train/` where it is there); a split with images
 * directly in it is unlabelled, and holds every image below it.
 * @throws UserError for a path that is not a folder, a split or class without images, a class that `train/` does not have
 */
export function openFolder(root: string, split: Split): EncodedSource {
  if (!isFolder(root)) throw new UserError(`${root} is not a folder; folder:PATH wants a folder of images`);
  const found = splitFolder(root, split);
  const present = classNames(found.directory);
  const trained = found.split === 'test' ? path.join(root, 'train') : found.directory;
  const trainedClasses = isFolder(trained) ? classNames(trained) : null;
  const classes = present === null ? null : (trainedClasses ?? present);

  const files: string[] = [];
  const labels: number[] = [];
  for (const name of present ?? ['.']) {
    const directory = path.join(found.directory, name);
    const images = listDeep(directory);
    if (images.length === 0) throw new UserError(`${directory} has no JPEG, PNG or WebP image`);
    const label = classes?.indexOf(name) ?? 0;
    if (label < 0) throw new UserError(`${directory} is a class that ${trained} does not have`);
    for (const image of images) {
      files.push(image);
      labels.push(label);
    }
  }

  return {
    kind: 'encoded',
    name: `folder:${root}`,
    split: found.split,
    length: files.length,
    classes,
    bytes: (index) => readFile(files[index]),
    label: (index) => (classes === null ? null : labels[index]),
    where: (index) => files[index],
    ...storedIn(root, files),
    close: () => undefined,
  };
}

/**
 * Opens every image below a folder, however nested, without labels: no folder in it is a split or a class.
 * @throws UserError for a path that is not a folder and for one without images
 */
export function openImages(root: string): EncodedSource {
  if (!isFolder(root)) throw new UserError(`${root} is not a folder; images:PATH wants a folder of images`);
  const files = listDeep(root);
  if (files.length === 0) throw new UserError(`${root} has no JPEG, PNG or WebP image`);
  return {
    kind: 'encoded',
    name: `images:${root}`,
    split: 'all',
    length: files.length,
    classes: null,
    bytes: (index) => readFile(files[index]),
    label: () => null,
    where: (index) => files[index],
    ...storedIn(root, files),
    close: () => undefined,
  };
}

const WNID = /^n\d{8}$/;

/**
 * Opens ImageNet's folders `train/<wnid>` and `val/<wnid>`; classes are the wnids in order, as torchvision has them.
 * @throws UserError as `openFolder`, for splits or classes that are not there, and for a `val/` that is not sorted into classes
 */
export function openImagenet(root: string, split: Split): EncodedSource {
  const directory = path.join(root, split === 'train' ? 'train' : 'val');
  if (!isFolder(directory)) {
    throw new UserError(`${directory} is not a folder; imagenet:PATH wants train/<wnid> and val/<wnid>`);
  }
  const source = openFolder(root, split);
  if (source.classes === null) {
    throw new UserError(
      `${directory} has images directly in it; imagenet:PATH wants them sorted into folders by class, ` +
        'as ImageNet users do for torchvision; folder:PATH reads them without labels',
    );
  }
  const other = source.classes.find((name) => !WNID.test(name));
  if (other !== undefined) {
    throw new UserError(`${directory}: the class folder ${other} is no wnid like n01440764; use folder:PATH`);
  }
  return { ...source, name: `imagenet:${root}` };
}
