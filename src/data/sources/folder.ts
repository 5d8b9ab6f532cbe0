/** Reader of image folders, ImageNet's among them: one folder a class, or images without labels. */
import path from 'node:path';
import { UserError } from '../../base/errors';
import { append } from '../../base/lists';
import { hasImage, isFolder, keysBelow, list, listDeep } from './folderListing';
import { findSplit, withoutOuter } from './folderSplits';
import { passedOver, readImageFile } from './imageFiles';
import { AbsentSplit, type EncodedSource, type Split } from './source';

/** Names of the folders with images in them, the classes; null where images lie directly in `directory`, or nothing does. */
function classNames(directory: string): readonly string[] | null {
  const { images, folders } = list(directory);
  if (images.length > 0 || folders.length === 0) return null;
  return folders.filter((name) => hasImage(path.join(directory, name)));
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
  const { directory } = found;
  const direct = list(directory);
  const at = (name: string) => path.join(directory, name);
  const walked = direct.folders.map((name) => ({ name, ...listDeep(at(name)) }));
  const full = walked.filter(({ images }) => images.length > 0);
  const isLabelled = direct.images.length === 0 && walked.length > 0;
  const trained = found.split === 'test' && found.train !== null ? classNames(found.train) : null;
  const classes = isLabelled ? (trained ?? full.map(({ name }) => name)) : null;

  const files = direct.images.map(at);
  const labels: number[] = [];
  const others = direct.others.map(at);
  for (const { name, ...inside } of isLabelled ? full : walked) {
    const label = classes?.indexOf(name) ?? 0;
    if (label < 0) throw new UserError(`${at(name)} is a class that ${found.train} does not have`);
    for (const image of inside.images) {
      files.push(image);
      labels.push(label);
    }
    append(others, inside.others);
  }
  const below = (file: string) => path.relative(given, file);
  if (files.length === 0)
    throw new UserError([`${directory} has no image`, ...passedOver(others.map(below))].join('; '));
  const named = (list: typeof walked) => list.map(({ name }) => name);

  return {
    kind: 'encoded',
    name: `folder:${given}`,
    split: found.split,
    length: files.length,
    classes,
    notes: [
      ...(root === given ? [] : [`the images are those of ${root}`]),
      ...found.notes,
      ...(isLabelled
        ? passedOver(
            named(walked.filter((each) => !full.includes(each))),
            'folders without images, no classes',
          )
        : besideImages(directory, direct.images.length, named(full))),
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
const besideImages = (directory: string, images: number, folders: readonly string[]): string[] =>
  folders.length === 0
    ? []
    : [
        `${images} images lie directly in ${directory}, beside folders (${folders.slice(0, 3).join(', ')}), so that these are ` +
          'no classes and all images have no labels',
      ];

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
