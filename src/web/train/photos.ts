/** The images that a person gives: read one by one, so that a broken one costs itself alone. */
import { UserError } from '../../base/errors';
import { type LeftOut, leftOutLines, messageOf, shownName } from '../common/words';
import type { PathFile } from '../common/drop';
import { listImages } from './files';
import { decodePhoto } from './pictures';
import type { Situation } from './protocol';
import type { Photos } from './source';

/** Shorter side that dropped images are reduced to, as a multiple of the network's; crops take small parts of them. */
const PHOTO_SIDES = 4;
export const LARGEST_SIDE = 256;
const TELL_EVERY = 50;

/**
 * Decodes what of `files` is an image, for a network of `size` pixels on the longer side. `given` is left out already. UserError, with the
 * reasons, where none is left.
 */
export async function readPhotos(
  files: readonly PathFile[],
  given: readonly LeftOut[],
  size: number,
  tell: (text: string) => void,
): Promise<Photos> {
  const { files: listed, labels, classes, passed } = listImages(files);
  const leftOut = [...given, ...passed];
  const shorter = Math.max(size, Math.min(PHOTO_SIDES * size, LARGEST_SIDE));
  const names: string[] = [];
  const images = [];
  const kept: number[] = [];
  for (const [i, { path, file }] of listed.entries()) {
    try {
      images.push(await decodePhoto(file, shorter));
      names.push(path);
      if (labels) kept.push(labels[i]);
    } catch (error) {
      leftOut.push({ name: path, reason: messageOf(error) });
    }
    if (i % TELL_EVERY === TELL_EVERY - 1) tell(`${i + 1} of ${listed.length} images read`);
  }
  if (images.length === 0)
    throw new UserError(
      ['no image that this browser reads among the files', ...leftOutLines(leftOut)].join('; '),
    );
  return { names, images, labels: labels && kept, classes, leftOut };
}

/** What the page says of them. */
export function shownPhotos({ images, labels, classes, leftOut }: Photos): Situation['photos'] {
  const used = new Set(labels);
  const empty = (classes ?? []).filter((_, label) => !used.has(label));
  const lines = empty.map((name) => `no image is left of the class ${shownName(name)}`);
  return { count: images.length, classes, leftOut: [...leftOutLines(leftOut), ...lines] };
}
