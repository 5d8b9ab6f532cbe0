/** Windows bitmaps of every depth, and what other bytes are called. */
import fc from 'fast-check';
import { UserError } from '../../../src/base/errors';
import { decodeBmp, isBmp } from '../../../src/data/images/bmp';
import { decodeWhole } from '../../../src/data/images/decode';
import { describeBytes } from '../../../src/data/images/describeBytes';

interface Made {
  bits: number;
  rows: readonly (readonly number[])[];
  width: number;
  height?: number;
  palette?: readonly number[];
  masks?: readonly number[];
}

/** A file of those rows, bytes of each as they are, padded. */
function bmp({ bits, rows, width, height = rows.length, palette = [], masks }: Made): Buffer {
  const colours = Buffer.from(
    [...(masks ? masks.flatMap((m) => [m, m >>> 8, m >>> 16, m >>> 24]) : []), ...palette].map(
      (b) => b & 255,
    ),
  );
  const stride = 4 * Math.ceil((width * bits) / 32);
  const head = Buffer.alloc(54);
  head.write('BM');
  head.writeUInt32LE(54 + colours.length, 10);
  head.writeUInt32LE(40, 14);
  head.writeInt32LE(width, 18);
  head.writeInt32LE(height, 22);
  head.writeUInt16LE(1, 26);
  head.writeUInt16LE(bits, 28);
  head.writeUInt32LE(masks ? 3 : 0, 30);
  const padded = rows.map((row) => Buffer.concat([Buffer.from(row), Buffer.alloc(stride - row.length)]));
  return Buffer.concat([head, colours, ...padded]);
}
const RED = [255, 0, 0];
const BLUE = [0, 0, 255];
const WHITE = [255, 255, 255];

test.each<[string, Made, number[]]>([
  [
    '24 bits, lower row first',
    {
      bits: 24,
      width: 2,
      rows: [
        [0, 0, 255, 255, 0, 0],
        [255, 255, 255, 0, 0, 255],
      ],
    },
    [...WHITE, ...RED, ...RED, ...BLUE],
  ],
  [
    '24 bits, upper row first',
    {
      bits: 24,
      width: 1,
      height: -2,
      rows: [
        [0, 0, 255],
        [255, 0, 0],
      ],
    },
    [...RED, ...BLUE],
  ],
  ['32 bits', { bits: 32, width: 1, rows: [[255, 0, 0, 9]] }, BLUE],
  ['32 bits by masks', { bits: 32, width: 1, rows: [[255, 0, 0, 0]], masks: [255, 0xff00, 0xff0000] }, RED],
  ['16 bits', { bits: 16, width: 2, rows: [[0, 0x7c, 0x1f, 0]] }, [...RED, ...BLUE]],
  [
    '16 bits by masks (5, 6, 5)',
    { bits: 16, width: 1, rows: [[0, 0xf8]], masks: [0xf800, 0x7e0, 0x1f] },
    RED,
  ],
  ['8 bits', { bits: 8, width: 2, rows: [[1, 0]], palette: [0, 0, 255, 0, 255, 0, 0, 0] }, [...BLUE, ...RED]],
  ['4 bits', { bits: 4, width: 2, rows: [[0x10]], palette: [0, 0, 255, 0, 255, 0, 0, 0] }, [...BLUE, ...RED]],
  [
    '1 bit',
    { bits: 1, width: 3, rows: [[0b10100000]], palette: [0, 0, 0, 0, 255, 255, 255, 0] },
    [...WHITE, 0, 0, 0, ...WHITE],
  ],
])('%s', async (_, made, pixels) => {
  const file = bmp(made);
  const image = await decodeWhole(file, 'a.bmp');
  expect([image.width, image.height, image.channels]).toEqual([made.width, made.rows.length, 3]);
  expect([...image.pixels]).toEqual(pixels);
});

test('damaged files are refused in words, and allocate no more than they hold', () => {
  const file = bmp({ bits: 24, width: 2, rows: [[0, 0, 255, 255, 0, 0]] });
  fc.assert(
    fc.property(fc.nat(file.length - 1), fc.nat(255), fc.nat(file.length), (at, byte, end) => {
      const damaged = Buffer.from(file.subarray(0, end));
      if (at < end) damaged[at] = byte;
      if (!isBmp(damaged)) return;
      try {
        expect(decodeBmp(damaged, 'a.bmp').pixels.length).toBeLessThanOrEqual(24 * file.length);
      } catch (error) {
        expect(error).toBeInstanceOf(UserError);
      }
    }),
    { numRuns: 2000 },
  );
});

test.each([
  ['', 'it is empty'],
  ['<!DOCTYPE html><html>', 'it is HTML, no image'],
  ['\0\0\0\x18ftypheic', 'it is HEIC, which this build cannot read; convert it to JPEG'],
  ['\xff\xd8\xff\xe0', 'its jpeg data is cut off or damaged'],
  [
    'version https://git-lfs.github.com/spec/v1',
    'it is a pointer of Git LFS; fetch the file itself with git lfs pull',
  ],
  ['some words', 'it is text, no image'],
  ['\0\0\0\0', 'it begins with nothing but zeros: it is damaged'],
  ['\x01\x02\x03', 'its format is not known: it is no image, or its beginning is damaged'],
])('%j: %s', async (text, expected) => {
  const bytes = Buffer.from(text, 'latin1');
  expect(describeBytes(bytes)).toBe(expected);
  await expect(decodeWhole(bytes, 'a.jpg')).rejects.toThrow(`a.jpg cannot be decoded: ${expected}`);
});
