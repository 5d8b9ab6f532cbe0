/** Images of any number of bands and of 16 bits: TIFF and .npy files give the very values, and what cannot be read is named. */
import fc from 'fast-check';
import sharp from 'sharp';
import {
  decodeBox,
  decodeCenter,
  decodeShown,
  decodeWhole,
  imageSize,
} from '../../../src/data/images/decode';
import { bitsOf, type Pixels } from '../../../src/tensors/pixels';
import { encodeNpy } from '../../support/npy';
import { encodeTiff } from '../../support/tiff';

/** Numbers over the whole range, no two channels alike. */
function values(bits: 8 | 16, length: number, seed = 0): Pixels {
  const at = (i: number) => ((i + seed) * 40503 + 12345) % 2 ** bits;
  return bits === 8
    ? Uint8Array.from({ length }, (_, i) => at(i))
    : Uint16Array.from({ length }, (_, i) => at(i));
}

/** [H, W, C] as [C, H, W]. */
function planes<T extends Pixels>(pixels: T, channels: number): T {
  const area = pixels.length / channels;
  const result = pixels.slice() as T;
  for (let i = 0; i < area; i++)
    for (let c = 0; c < channels; c++) result[c * area + i] = pixels[i * channels + c];
  return result;
}

const shapes = fc.record({
  width: fc.integer({ min: 1, max: 9 }),
  height: fc.integer({ min: 1, max: 9 }),
  channels: fc.integer({ min: 1, max: 13 }),
  bits: fc.constantFrom(8 as const, 16 as const),
});

describe('files of any number of bands', () => {
  it('gives the values of a TIFF file, whatever it says of colours and alpha and however it stores the bands', () =>
    fc.assert(
      fc.asyncProperty(
        shapes,
        fc.constantFrom(1 as const, 2 as const),
        fc.constantFrom(0 as const, 2 as const),
        fc.boolean(),
        fc.boolean(),
        async ({ bits, ...shape }, photometric, extra, planar, bigEndian) => {
          // a picture becomes gray or RGB; gray in two planes is refused
          fc.pre(shape.channels > 3 || shape.channels === 1 || (shape.channels === 2 && !planar));
          fc.pre(photometric === 1 || shape.channels > 3);
          const pixels = values(bits, shape.width * shape.height * shape.channels);
          const bytes = encodeTiff(pixels, { ...shape, photometric, extra, planar, bigEndian });
          const decoded = await decodeCenter(bytes, 'x.tif', { size: 1, ...shape, bits });
          expect([...decoded.pixels]).toEqual([...pixels]);
          expect(decoded).toMatchObject(shape);
        },
      ),
      { numRuns: 150 },
    ));

  it('gives the values of a .npy file, channels first or last', () =>
    fc.assert(
      fc.asyncProperty(shapes, fc.boolean(), fc.boolean(), async ({ bits, ...shape }, first, big) => {
        const { width, height, channels } = shape;
        fc.pre(channels !== 3 && channels !== 1 && (!first || width !== channels));
        fc.pre(first || width !== height || height !== channels);
        const pixels = values(bits, width * height * channels);
        const stored = first ? planes(pixels, channels) : pixels;
        const swapped = bits === 16 && big;
        const bytes = encodeNpy(stored, first ? [channels, height, width] : [height, width, channels], {
          descr: swapped ? '>u2' : undefined,
        });
        if (swapped) bytes.subarray(bytes.length - 2 * stored.length).swap16();
        const decoded = await decodeCenter(bytes, 'x.npy', { size: 1, ...shape, bits });
        expect([...decoded.pixels]).toEqual([...pixels]);
      }),
    ));

  it('takes gray and RGB arrays for pictures, of which each becomes the other', async () => {
    const gray = encodeNpy(Uint8Array.of(0, 80, 160, 240), [2, 2]);
    const rgb = await decodeCenter(gray, 'x', { size: 2, channels: 3 });
    expect([...rgb.pixels]).toEqual([0, 0, 0, 80, 80, 80, 160, 160, 160, 240, 240, 240]);
    const back = await decodeCenter(encodeNpy(rgb.pixels, [2, 2, 3]), 'x', {
      size: 2,
      channels: 1,
    });
    expect([...back.pixels]).toEqual([0, 80, 160, 240]);
  });

  it('resizes each band by itself: a fourth one is no alpha', async () => {
    // red is 200 where the fourth band is 0, and 0 where it is 255: weighed by alpha, red would vanish
    const pixels = Uint8Array.from({ length: 8 * 8 * 4 }, (_, i) => {
      const left = Math.floor(i / 4) % 8 < 4;
      return [left ? 200 : 0, 100, 50, left ? 0 : 255][i % 4];
    });
    const tiff = encodeTiff(pixels, { width: 8, height: 8, channels: 4, photometric: 2, extra: 2 });
    const png = await sharp(pixels, { raw: { width: 8, height: 8, channels: 4 } })
      .png()
      .toBuffer();
    for (const bytes of [tiff, png]) {
      const all = () => ({ left: 0, top: 0, width: 8, height: 8 });
      const small = await decodeBox(bytes, 'x', { size: 2, channels: 4 }, all);
      const [left, right] = [small.pixels.subarray(0, 4), small.pixels.subarray(4, 8)];
      expect([left[0] > 150, left[1], left[2], left[3] < 60]).toEqual([true, 100, 50, true]);
      expect([right[0] < 50, right[1], right[2], right[3] > 195]).toEqual([true, 100, 50, true]);
    }
  });

  it('tells sizes and shows bands as a picture', async () => {
    const bytes = encodeNpy(values(16, 5 * 7 * 4), [5, 7, 4]);
    expect(await imageSize(bytes, 'x')).toMatchObject({ width: 7, height: 5 });
    expect(await decodeShown(bytes, 'x', 4)).toMatchObject({ width: 4, height: 4, channels: 3 });
    const whole = await decodeWhole(encodeTiff(values(16, 60), { width: 4, height: 3, channels: 5 }), 'x');
    expect(whole).toMatchObject({ width: 4, height: 3, channels: 5 });
    expect([...whole.pixels]).toEqual([...values(16, 60)]);
  });
});

describe('16 bits', () => {
  const size = 12;
  const pixels = values(16, size * size * 3) as Uint16Array;
  const raw = { raw: { width: size, height: size, channels: 3 as const } };

  it('stay in PNG and TIFF files where they are asked for, and the upper 8 where not', async () => {
    const png = await sharp(pixels, raw).toColourspace('rgb16').png().toBuffer();
    const tiff = encodeTiff(pixels, { width: size, height: size, channels: 3, photometric: 2 });
    for (const bytes of [png, tiff]) {
      const wide = await decodeCenter(bytes, 'x', { size, channels: 3, bits: 16 });
      expect([...wide.pixels]).toEqual([...pixels]);
      const narrow = await decodeCenter(bytes, 'x', { size, channels: 3 });
      expect(bitsOf(narrow.pixels)).toBe(8);
      expect([...narrow.pixels]).toEqual(Array.from(pixels, (value) => value >> 8));
    }
  });

  it('stay in what is resized, also below alpha, and in gray', async () => {
    // steps of a 256th of a level: constant in 8 bits
    const flat = Uint16Array.from({ length: 4 * 32 * 32 }, (_, i) =>
      i % 4 === 3 ? 9 : 30_000 + (Math.floor(i / 4) % 32),
    );
    const png = await sharp(flat, { raw: { width: 32, height: 32, channels: 4 } })
      .toColourspace('rgb16')
      .png()
      .toBuffer();
    for (const channels of [3, 1]) {
      const { pixels: found } = await decodeCenter(png, 'x', { size: 7, channels, bits: 16 });
      const line = [...found.subarray(0, 7 * channels)].filter((_, i) => i % channels === 0);
      expect(line[0]).toBeGreaterThan(29_990);
      expect(line[6] - line[0]).toBeGreaterThan(18);
      expect(line[6] - line[0]).toBeLessThan(32);
    }
  });

  it('are 257 times the value of 8 bits, so that white is white', async () => {
    const png = await sharp(Uint8Array.of(0, 1, 255), { raw: { width: 1, height: 1, channels: 3 } })
      .png()
      .toBuffer();
    const { pixels: found } = await decodeCenter(png, 'x', { size: 1, channels: 3, bits: 16 });
    expect([...found]).toEqual([0, 257, 65_535]);
  });
});

describe('what is refused', () => {
  const four = encodeTiff(values(8, 64), { width: 4, height: 4, channels: 4, photometric: 2 });
  const page = (subfile: number) => encodeTiff(values(8, 16), { width: 4, height: 4, channels: 1, subfile });

  it.each<[string, Buffer, number, RegExp]>([
    ['four bands for three', four, 3, /x has 4 channels, and 3 are asked for; .*--set image.channels=4/],
    ['four bands for one', four, 1, /image.channels=4/],
    [
      'thirteen bands for RGB',
      encodeTiff(values(8, 52), { width: 2, height: 2, channels: 13 }),
      3,
      /channels=13/,
    ],
    [
      'RGB for four',
      encodeTiff(values(8, 48), { width: 4, height: 4, channels: 3, photometric: 2 }),
      4,
      /=3/,
    ],
    [
      'two bands in planes',
      encodeTiff(values(8, 32), { width: 4, height: 4, channels: 2, planar: true }),
      2,
      /2 bands are stored as planes/,
    ],
    [
      'floating point',
      encodeTiff(new Float32Array(16), { width: 4, height: 4, channels: 1, sampleFormat: 3 }),
      1,
      /values are float/,
    ],
    [
      'an array of floats',
      encodeNpy(new Float32Array(16), [4, 4]),
      1,
      /values are <f4; an image has uint8 or uint16/,
    ],
    ['a list', encodeNpy(values(8, 16), [16]), 1, /shape is \(16\); an image is/],
    ['four axes', encodeNpy(values(8, 16), [1, 4, 4, 1]), 1, /shape is \(1, 4, 4, 1\)/],
    ['Fortran order', encodeNpy(values(8, 16), [4, 4], { fortran: true }), 1, /Fortran order/],
    [
      'a cut array',
      encodeNpy(values(8, 16), [4, 4]).subarray(0, -1),
      1,
      /15 bytes of values, its header says 16/,
    ],
    ['an array of no pixels', encodeNpy(values(8, 0), [0, 4]), 1, /shape is \(0, 4\)/],
    ['another number of channels', encodeNpy(values(8, 180), [6, 6, 5]), 4, /has 5 channels, and 4/],
  ])('%s', async (_name, bytes, channels, message) => {
    await expect(decodeCenter(bytes, 'x', { size: 4, channels })).rejects.toThrow(message);
    await expect(decodeCenter(bytes, 'x', { size: 4, channels })).rejects.toMatchObject({
      name: 'UserError',
    });
  });

  it('inks, which are colours but no channels', async () => {
    const bytes = await sharp(Buffer.alloc(48), { raw: { width: 4, height: 4, channels: 3 } })
      .toColourspace('cmyk')
      .jpeg()
      .toBuffer();
    await expect(decodeCenter(bytes, 'x', { size: 4, channels: 4 })).rejects.toThrow(/4 inks of printing/);
  });

  it('two pages, but not a smaller copy or a mask beside the image', async () => {
    await expect(decodeCenter(page(0), 'x', { size: 4, channels: 1 })).rejects.toThrow(/it has 2 pages/);
    for (const copy of [page(1), page(4)])
      expect([...(await decodeCenter(copy, 'x', { size: 4, channels: 1 })).pixels]).toEqual([
        ...values(8, 16),
      ]);
  });
});
