/** What lies in a folder of images. */
import { readdirSync, realpathSync, statSync } from 'node:fs';
import path from 'node:path';
import { append } from '../../base/lists';
import { fileError } from '../../base/files';
import { isImageName, isJunk } from './imageFiles';
import type { EncodedSource } from './source';

interface Listing {
  readonly images: readonly string[];
  readonly folders: readonly string[];
  /** files that are no images */
  readonly others: readonly string[];
}

export const isFolder = (file: string) => statSync(file, { throwIfNoEntry: false })?.isDirectory() ?? false;

/** What is directly in `directory`; what systems leave there, and links to a folder around it, are left out. */
export function list(directory: string): Listing {
  const images: string[] = [];
  const folders: string[] = [];
  const others: string[] = [];
  for (const entry of entriesOf(directory)) {
    if (isJunk(entry.name)) continue;
    const file = path.join(directory, entry.name);
    const link = entry.isSymbolicLink();
    if (entry.isDirectory() || (link && isFolder(file))) {
      const loops = link && `${realpathSync(directory)}${path.sep}`.startsWith(realpathSync(file) + path.sep);
      if (!loops) folders.push(entry.name);
    } else (isImageName(entry.name) ? images : others).push(entry.name);
  }
  // Plain sort compares UTF-16 code units: the same order under every locale and file system.
  return { images: images.sort(), folders: folders.sort(), others: others.sort() };
}

function entriesOf(directory: string) {
  try {
    return readdirSync(directory, { withFileTypes: true });
  } catch (error) {
    throw fileError('read', directory, error);
  }
}

/** All files below `directory`, as paths. */
export function listDeep(directory: string): Pick<Listing, 'images' | 'others'> {
  const { images, folders, others } = list(directory);
  const at = (name: string) => path.join(directory, name);
  const all = { images: images.map(at), others: others.map(at) };
  for (const name of folders) {
    const below = listDeep(at(name));
    append(all.images, below.images);
    append(all.others, below.others);
  }
  return all;
}

/** Whether an image is anywhere below `directory`. */
export function hasImage(directory: string): boolean {
  const { images, folders } = list(directory);
  return images.length > 0 || folders.some((name) => hasImage(path.join(directory, name)));
}

/** What `files` are below `root`. */
export const keysBelow = (
  root: string,
  files: readonly string[],
): Pick<EncodedSource, 'key' | 'storedBytes'> => ({
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
