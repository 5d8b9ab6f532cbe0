/** What bytes are that are no image which can be decoded, by how they begin: the cause belongs into the error. */

/* eslint-disable no-control-regex -- formats begin with such */

const asLatin = (bytes: Uint8Array) =>
  Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, 512)).toString('latin1');

/** Formats that libvips reads here: such bytes are damaged. */
const READ: readonly (readonly [RegExp, string])[] = [
  [/^\xff\xd8\xff/, 'jpeg'],
  [/^\x89PNG\r\n/, 'png'],
  [/^GIF8[79]a/, 'gif'],
  [/^RIFF[^]{4}WEBP/, 'webp'],
  [/^(II[*+]\0|MM\0[*+])/, 'tiff'],
  [/^[^]{4}ftypavi[fs]/, 'avif'],
];

const OTHER: readonly (readonly [RegExp, string])[] = [
  [/^[^]{4}ftyp(hei[cxms]|hev[cxms]|mif1|msf1)/, 'HEIC, which this build cannot read; convert it to JPEG'],
  [/^(\xff\n|\0{3}\x0cJXL )/, 'JPEG XL, which this build cannot read'],
  [/^(\0{3}\x0cjP {2}|\xff\x4f\xff\x51)/, 'JPEG 2000, which this build cannot read'],
  [/^8BPS/, 'a Photoshop file, which cannot be read'],
  [
    /^(FUJIFILMCCD|IIRO|IIRS|[^]{4}ftypcrx)/,
    'a raw file of a camera, which cannot be read; develop it first',
  ],
  [/^[^]{4}ftyp/, 'a film, no image'],
  [/^%PDF/, 'PDF, no image'],
  [/^PK\x03\x04/, 'a zip archive, no image'],
  [/^\x1f\x8b/, 'gzip, no image'],
  [/^version https:\/\/git-lfs/, 'a pointer of Git LFS; fetch the file itself with git lfs pull'],
  [/^\s*(<!doctype html|<html|<head|<body)/i, 'HTML, no image'],
  [/^\s*(<\?xml|<svg)/i, 'XML or SVG, no photograph'],
  [/^\s*[{[]["\s\d{[\]}]/, 'JSON, no image'],
];

/** The format by how the bytes begin, of those that libvips reads here; undefined for any other. */
export function formatOf(bytes: Uint8Array): string | undefined {
  const start = asLatin(bytes);
  return READ.find(([magic]) => magic.test(start))?.[1];
}

/** `is empty`, `is HTML, no image`; of a known format that its data is damaged. */
export function describeBytes(bytes: Uint8Array): string {
  if (bytes.length === 0) return 'it is empty';
  const format = formatOf(bytes);
  if (format !== undefined) return `its ${format} data is cut off or damaged`;
  const start = asLatin(bytes);
  const other = OTHER.find(([magic]) => magic.test(start));
  if (other) return `it is ${other[1]}`;
  if (/^[\t\n\r\x20-\x7e]+$/.test(start)) return 'it is text, no image';
  if (/^\0+$/.test(start)) return 'it begins with nothing but zeros: it is damaged';
  return 'its format is not known: it is no image, or its beginning is damaged';
}
