/** Reader of image folders, ImageNet's among them: one folder a class, or images without labels. */
import path from 'node:path';
import { UserError } from '../../base/errors';
import { append } from '../../base/lists';
import { hasImage, isFolder, keysBelow, list, listDeep } from './folderListing';
import { findSplit, withoutOuter } from './folderSplits';
import { passedOver, readImageFile } from './imageFiles';
import { AbsentSplit, type EncodedSource, type Split } from './source';

/** Folders of a split with images in them, and those without, which are none of its classes. */
interface ClassFolders {
  readonly names: readonly string[];
  readonly empty: readonly string[];
}

/** Null where images lie directly in `directory`, or nothing but images can be in it. */
function classFolders(directory: string): ClassFolders | null {
  const { images, folders } = list(directory);
  if (images.length > 0 || folders.length === 0) return null;
  const full = folders.filter((name) => hasImage(path.join(directory, name)));
  return { names: full, empty: folders.filter((name) => !full.includes(name)) };
}

/**
 * Opens a folder of images. `train/` and `val/` or `test/` below it (or as other tools call them: see `findSplit`) are its
 * splits; without them, all of it serves either split. A folder that holds but one more is gone through. Folders in a split are
 * classes (labels by sorted name, those of `train/` where it is there), but for those without images; a split with images
 * directly in it is unlabelled, and holds every image below it. What is passed over is in `notes`.
 * @throws UserError for a path that is not a folder, a split without images, a class that `train/` does not have;
 * AbsentSplit where only the other split is there
 */
export function openFolder(given: string, split: Split): EncodedSource {
  if (!isFolder(given)) throw new UserError(`${given} is not a folder; folder:PATH wants a folder of images`);
  const root = withoutOuter(given);
  const found = findSplit(root, split);
  const present = classFolders(found.directory);
  const trained = found.split === 'test' ? found.train : found.directory;
  const trainedClasses = trained === null ? null : classFolders(trained);
  const classes = present && (trainedClasses ?? present).names;

  const files: string[] = [];
  const labels: number[] = [];
  // Of a split without classes these are below it.
  const others = present
    ? list(found.directory).others.map((name) => path.join(found.directory, name))
    : [...listDeep(found.directory).others];
  for (const name of present?.names ?? ['.']) {
    const directory = path.join(found.directory, name);
    const inside = listDeep(directory);
    if (present) append(others, inside.others);
    const label = classes?.indexOf(name) ?? 0;
    if (label < 0) throw new UserError(`${directory} is a class that ${trained} does not have`);
    for (const image of inside.images) {
      files.push(image);
      labels.push(label);
    }
  }
  const below = (file: string) => path.relative(given, file);
  if (files.length === 0)
    throw new UserError([`${found.directory} has no image`, ...passedOver(others.map(below))].join('; '));

  return {
    kind: 'encoded',
    name: `folder:${given}`,
    split: found.split,
    length: files.length,
    classes,
    notes: [
      ...(root === given ? [] : [`the images are those of ${root}`]),
      ...found.notes,
      ...besideImages(found.directory, present),
      ...passedOver(present?.empty ?? [], 'folders without images, no classes'),
      ...passedOver(others.map(below)),
      ...oneClass(classes),
    ],
    bytes: (index) => readImageFile(files[index]),
    label: (index) => (classes === null ? null : labels[index]),
    where: (index) => files[index],
    ...keysBelow(root, files),
    close: () => undefined,
  };
}

/** Images beside folders of images: none of those is a class. */
function besideImages(directory: string, present: ClassFolders | null): string[] {
  if (present !== null) return [];
  const { images, folders } = list(directory);
  const full = folders.filter((name) => hasImage(path.join(directory, name)));
  if (full.length === 0) return [];
  return [
    `${images.length} images lie directly in ${directory}, beside folders (${full.slice(0, 3).join(', ')}), so that these are ` +
      'no classes and all images have no labels',
  ];
}

const oneClass = (classes: readonly string[] | null): string[] =>
  classes?.length === 1
    ? [
        `there is one class alone, ${classes[0]}: where that is no class but a folder of all images, take images:PATH, or give the ` +
          'path of the folder whose folders are the classes',
      ]
    : [];

/**
 * Opens every image below a folder, however nested, without labels: no folder in it is a split or a class.
 * @throws UserError for a path that is not a folder and for one without images
 */
export function openImages(root: string): EncodedSource {
  if (!isFolder(root)) throw new UserError(`${root} is not a folder; images:PATH wants a folder of images`);
  const { images: files, others } = listDeep(root);
  const notes = passedOver(others.map((file) => path.relative(root, file)));
  if (files.length === 0) throw new UserError([`${root} has no image`, ...notes].join('; '));
  return {
    kind: 'encoded',
    name: `images:${root}`,
    split: 'all',
    length: files.length,
    classes: null,
    notes,
    bytes: (index) => readImageFile(files[index]),
    label: () => null,
    where: (index) => files[index],
    ...keysBelow(root, files),
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
    const other = isFolder(path.join(root, split === 'train' ? 'val' : 'train'));
    const message = `${directory} is not a folder; imagenet:PATH wants train/<wnid> and val/<wnid>`;
    throw other ? new AbsentSplit(message) : new UserError(message);
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
