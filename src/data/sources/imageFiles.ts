/** Which files are images by their names, in folders, tars and wherever else names decide; and reading one. */
import { readFile } from 'node:fs/promises';
import { fileError } from '../../base/files';
import { oneLine } from '../../base/errors';
import { requireRegular } from '../../base/regularFile';

/** What the decoder reads, and HEIC, of which it says why not. An animation gives its first picture. */
const EXTENSIONS = 'jpg|jpeg|jpe|jfif|png|webp|gif|tif|tiff|bmp|dib|avif|heic|heif|npy';
const IMAGE = new RegExp(`(^|\\.)(${EXTENSIONS})$`, 'i');

/** Of a name, or of its extension alone. */
export const isImageName = (name: string): boolean => IMAGE.test(name);

/** What systems leave beside the images of people: hidden files, macOS' copies of attributes, thumbnails. */
export const isJunk = (name: string): boolean =>
  name.startsWith('.') || /^(__macosx|thumbs\.db|desktop\.ini|@eadir)$/i.test(name);

/** Names that are written out in a note. */
const EXAMPLES = 3;

/** `no images by their names, passed over: a.txt, b.xml, c.csv and 17 more`; nothing of none. */
export function passedOver(names: readonly string[], what = 'no images by their names'): string[] {
  if (names.length === 0) return [];
  const more = names.length > EXAMPLES ? ` and ${names.length - EXAMPLES} more` : '';
  return [`${what}, passed over: ${names.slice(0, EXAMPLES).map(oneLine).join(', ')}${more}`];
}

/** The bytes of an image's file. UserError with the cause where it cannot be read, is no file, or is gone. */
export async function readImageFile(file: string): Promise<Buffer> {
  requireRegular(file);
  try {
    return await readFile(file);
  } catch (error) {
    throw fileError('read', file, error);
  }
}
