/** Images of every format that can be decoded. */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import sharp from 'sharp';
import { decodeCenter, decodeWhole, imageSize } from '../../../src/data/images/decode';
import type { Reader } from './reader';

const [WIDTH, HEIGHT] = [45, 38];

const noise = (channels: 1 | 3 | 4): sharp.Sharp => {
  const data = Uint8Array.from(
    { length: WIDTH * HEIGHT * channels },
    (_, i) => (i * 37 + (i >> 3) * 11) & 255,
  );
  return sharp(data, { raw: { width: WIDTH, height: HEIGHT, channels } });
};

/** 24 bits a pixel, rows from the bottom up: libvips writes none. */
function bmp(): Buffer {
  const row = Math.ceil((3 * WIDTH) / 4) * 4;
  const file = Buffer.alloc(54 + row * HEIGHT, 90);
  file.write('BM', 0, 'latin1');
  for (const [at, value] of [
    [2, file.length],
    [6, 0],
    [10, 54],
    [14, 40],
    [18, WIDTH],
    [22, HEIGHT],
    [30, 0],
    [34, 0],
    [38, 2835],
    [42, 2835],
    [46, 0],
    [50, 0],
  ] as const)
    file.writeUInt32LE(value, at);
  file.writeUInt16LE(1, 26);
  file.writeUInt16LE(24, 28);
  return file;
}

/** NumPy's format, version 1: uint8 [height, width, bands]. */
function npy(bands: number): Buffer {
  const said = `{'descr': '|u1', 'fortran_order': False, 'shape': (${HEIGHT}, ${WIDTH}, ${bands}), }`;
  const header = `${said.padEnd(128 - 10 - 1)}\n`;
  const head = Buffer.from([0x93, ...Buffer.from('NUMPY'), 1, 0, header.length, 0]);
  const pixels = Uint8Array.from({ length: WIDTH * HEIGHT * bands }, (_, i) => (i * 7) & 255);
  return Buffer.concat([head, Buffer.from(header), pixels]);
}

/** Uncompressed, one strip; all bands but the first are of no kind. */
function bandsTiff(bands: number): Buffer {
  const size = WIDTH * HEIGHT * bands;
  const start = 8 + 2 + 12 * 10 + 4 + 2 * bands + 2 * (bands - 1);
  const file = Buffer.alloc(start + size, 77);
  file.write('II*\0', 0, 'latin1');
  file.writeUInt32LE(8, 4);
  const lists = 8 + 2 + 12 * 10 + 4;
  const entries: readonly (readonly [tag: number, type: 3 | 4, count: number, value: number])[] = [
    [256, 4, 1, WIDTH],
    [257, 4, 1, HEIGHT],
    [258, 3, bands, lists],
    [259, 3, 1, 1],
    [262, 3, 1, 1],
    [273, 4, 1, start],
    [277, 3, 1, bands],
    [278, 4, 1, HEIGHT],
    [279, 4, 1, size],
    [338, 3, bands - 1, lists + 2 * bands],
  ];
  file.writeUInt16LE(entries.length, 8);
  entries.forEach(([tag, type, count, value], i) => {
    const at = 10 + 12 * i;
    file.writeUInt16LE(tag, at);
    file.writeUInt16LE(type, at + 2);
    file.writeUInt32LE(count, at + 4);
    file.writeUInt32LE(value, at + 8);
  });
  file.writeUInt32LE(0, 10 + 12 * entries.length);
  for (let i = 0; i < bands; i++) file.writeUInt16LE(8, lists + 2 * i);
  for (let i = 0; i < bands - 1; i++) file.writeUInt16LE(0, lists + 2 * (bands + i));
  return file;
}

const FORMS: Readonly<Record<string, () => Promise<Buffer> | Buffer>> = {
  jpg: () => noise(3).jpeg().toBuffer(),
  'progressive.jpg': () => noise(3).jpeg({ progressive: true }).withMetadata({ orientation: 6 }).toBuffer(),
  'cmyk.jpg': () => noise(3).toColourspace('cmyk').jpeg().toBuffer(),
  png: () => noise(3).png().toBuffer(),
  'alpha.png': () => noise(4).png({ adaptiveFiltering: true }).toBuffer(),
  'palette.png': () => noise(3).png({ palette: true }).toBuffer(),
  '16-bits.png': () => noise(1).toColourspace('grey16').png().toBuffer(),
  webp: () => noise(4).webp().toBuffer(),
  'lossless.webp': () => noise(3).webp({ lossless: true }).toBuffer(),
  gif: () => noise(3).gif().toBuffer(),
  tiff: () => noise(3).tiff({ compression: 'lzw' }).toBuffer(),
  'tiled.tiff': () =>
    noise(1).tiff({ tile: true, tileWidth: 16, tileHeight: 16, compression: 'deflate' }).toBuffer(),
  bmp,
  svg: () =>
    Buffer.from(
      `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}"><circle cx="9" cy="9" r="7" fill="#f00"/></svg>`,
    ),
  npy: () => npy(4),
  'bands.tiff': () => bandsTiff(5),
  avif: () => noise(3).avif({ effort: 0 }).toBuffer(),
};

/** Bands of the images that are no pictures. */
const BANDS: Readonly<Record<string, number>> = { npy: 4, 'bands.tiff': 5 };

export const IMAGES: readonly Reader[] = Object.entries(FORMS).map(([form, make]) => ({
  name: `image ${form}`,
  weight: 3,
  // which formats there are depends on how libvips was built
  mayBeRefused: /^(bmp|svg|avif)$/.test(form),
  make: async (folder) => writeFileSync(path.join(folder, `image.${form}`), await make()),
  read: async (folder) => {
    const bytes = readFileSync(path.join(folder, `image.${form}`));
    const bands = BANDS[form];
    const targets = bands === undefined ? [1, 3] : [bands];
    const results = await Promise.allSettled([
      imageSize(bytes, 'image'),
      decodeWhole(bytes, 'image'),
      ...targets.flatMap((channels) => [
        decodeCenter(bytes, 'image', { size: 32, channels }),
        decodeCenter(bytes, 'image', { size: 32, height: 16, width: 40, channels }),
      ]),
    ]);
    for (const result of results) if (result.status === 'rejected') throw result.reason;
  },
}));
