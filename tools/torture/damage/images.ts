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
  avif: () => noise(3).avif({ effort: 0 }).toBuffer(),
};

export const IMAGES: readonly Reader[] = Object.entries(FORMS).map(([form, make]) => ({
  name: `image ${form}`,
  weight: 3,
  // which formats there are depends on how libvips was built
  mayBeRefused: /^(bmp|svg|avif)$/.test(form),
  make: async (folder) => writeFileSync(path.join(folder, `image.${form}`), await make()),
  read: async (folder) => {
    const bytes = readFileSync(path.join(folder, `image.${form}`));
    const results = await Promise.allSettled([
      imageSize(bytes, 'image'),
      decodeWhole(bytes, 'image'),
      decodeCenter(bytes, 'image', 32, 3),
      decodeCenter(bytes, 'image', 32, 1),
    ]);
    for (const result of results) if (result.status === 'rejected') throw result.reason;
  },
}));
