/** Small data sets that tests write. */
import { createWriteStream, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import sharp from 'sharp';
import tar from 'tar-stream';

export const CIFAR_NAMES = [
  'airplane',
  'automobile',
  'bird',
  'cat',
  'deer',
  'dog',
  'frog',
  'horse',
  'ship',
  'truck',
];
const RECORD = 3073;

/** Byte of channel c at (row, column) of record r of file f. */
export const cifarByte = (f: number, r: number, c: number, row: number, column: number) =>
  (17 * f + 5 * r + 91 * c + 3 * row + 7 * column) & 255;

export const cifarLabel = (f: number, r: number) => (f + 3 * r) % 10;

function cifarFile(f: number, records: number): Buffer {
  const bytes = Buffer.alloc(records * RECORD);
  for (let r = 0; r < records; r++) {
    bytes[r * RECORD] = cifarLabel(f, r);
    for (let i = 0; i < 3072; i++) {
      bytes[r * RECORD + 1 + i] = cifarByte(f, r, i >> 10, (i >> 5) & 31, i & 31);
    }
  }
  return bytes;
}

/** A CIFAR-10 folder with `records` images in each of the five training files (f = 1 .. 5) and the test file (f = 6). */
export function writeCifar(directory: string, records: number): void {
  mkdirSync(directory, { recursive: true });
  for (let f = 1; f <= 5; f++)
    writeFileSync(path.join(directory, `data_batch_${f}.bin`), cifarFile(f, records));
  writeFileSync(path.join(directory, 'test_batch.bin'), cifarFile(6, records));
  writeFileSync(path.join(directory, 'batches.meta.txt'), `${CIFAR_NAMES.join('\n')}\n\n`);
}

/** An image whose left half is one RGB colour and right half another. */
export function halves(
  width: number,
  height: number,
  left: readonly number[],
  right: readonly number[],
): sharp.Sharp {
  const pixels = Uint8Array.from({ length: width * height * 3 }, (_, i) => {
    const column = Math.floor(i / 3) % width;
    return (column < width >> 1 ? left : right)[i % 3];
  });
  return sharp(pixels, { raw: { width, height, channels: 3 } });
}

/** Writes an empty file of any name, and the folders above it. */
export function touch(file: string): void {
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, '');
}

/** A folder of images of mixed sizes: train/{apple,pear} with `count` each, val/{apple,pear} with one each. */
export async function writeFolder(root: string, count: number): Promise<void> {
  for (const [i, name] of ['apple', 'pear'].entries()) {
    for (const [split, images] of [
      ['train', count],
      ['val', 1],
    ] as const) {
      const directory = path.join(root, split, name);
      mkdirSync(directory, { recursive: true });
      for (let j = 0; j < images; j++) {
        const left = [30 * j, 200 * i, 40];
        const file = path.join(directory, `${j}.${['jpg', 'png', 'webp'][j % 3]}`);
        await halves(40 + 7 * j, 61 - 5 * j, left, [10, 20, 250]).toFile(file);
      }
    }
  }
}

/** A JPEG of two colours. */
export const jpeg = (width: number, height: number, hue: number): Promise<Buffer> =>
  halves(width, height, [hue, 40, 200], [20, 255 - hue, 60])
    .jpeg()
    .toBuffer();

/** Writes a tar file of [name, content]. */
export async function writeTar(
  file: string,
  entries: readonly (readonly [string, string | Buffer])[],
): Promise<void> {
  mkdirSync(path.dirname(file), { recursive: true });
  const pack = tar.pack();
  for (const [name, content] of entries) pack.entry({ name }, content);
  pack.finalize();
  await pipeline(pack, createWriteStream(file));
}
