import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import sharp from 'sharp';
import { decodeBox, decodeCenter } from '../../../src/data/images/decode';
import { type DecodedImage } from '../../../src/data/images/transforms';
import { UserError } from '../../../src/base/errors';
import { describeShared, sharedData } from '../../support/paths';
import { halves } from '../samples';

const pixel = ({ width, channels, pixels }: DecodedImage, row: number, column: number) =>
  Array.from(pixels.subarray((row * width + column) * channels, (row * width + column + 1) * channels));

/** Every channel within `tolerance` of the expected one. */
function expectColour(actual: number[], expected: number[], tolerance: number): void {
  expect(actual).toHaveLength(expected.length);
  actual.forEach((value, c) => expect(Math.abs(value - expected[c])).toBeLessThanOrEqual(tolerance));
}

const ORANGE = [240, 130, 20];
const BLUE = [10, 20, 250];
const image = (width: number, height: number) => halves(width, height, ORANGE, BLUE);

describe('decoding', () => {
  it.each<[string, () => Promise<Buffer>, number]>([
    ['JPEG', () => image(97, 61).jpeg({ quality: 95 }).toBuffer(), 8],
    ['PNG', () => image(61, 97).png().toBuffer(), 0],
    ['WebP', () => image(33, 32).webp({ lossless: true }).toBuffer(), 0],
    ['PNG of 16 bits', () => image(50, 40).toColourspace('rgb16').png().toBuffer(), 1],
    ['PNG with alpha', () => image(50, 40).ensureAlpha(0.3).png().toBuffer(), 0],
    [
      'PNG of 16 bits with alpha',
      () => image(50, 40).ensureAlpha(0).toColourspace('rgb16').png().toBuffer(),
      1,
    ],
    ['PNG with a palette', () => image(50, 40).png({ palette: true }).toBuffer(), 0],
    ['a large JPEG, shrunk on load', () => image(1300, 900).jpeg({ quality: 95 }).toBuffer(), 8],
    ['a tiny PNG, enlarged', () => image(6, 6).png().toBuffer(), 0],
  ])('%s keeps its colours', async (_name, make, tolerance) => {
    const decoded = await decodeCenter(await make(), 'x', { size: 32, channels: 3 });
    expect([decoded.width, decoded.height, decoded.channels, decoded.pixels.length]).toEqual([
      32, 32, 3, 3072,
    ]);
    for (const row of [0, 15, 31]) {
      expectColour(pixel(decoded, row, 0), ORANGE, tolerance);
      expectColour(pixel(decoded, row, 9), ORANGE, tolerance);
      expectColour(pixel(decoded, row, 31), BLUE, tolerance);
    }
  });

  it('turns CMYK into RGB', async () => {
    const bytes = await image(64, 64).toColourspace('cmyk').jpeg({ quality: 95 }).toBuffer();
    expect((await sharp(bytes).metadata()).channels).toBe(4);
    const decoded = await decodeCenter(bytes, 'x', { size: 32, channels: 3 });
    // The way through a printing profile loses saturation; the hues stay.
    const [red, , blue] = pixel(decoded, 16, 2);
    expect(red).toBeGreaterThan(blue + 100);
    const right = pixel(decoded, 16, 29);
    expect(right[2]).toBeGreaterThan(right[0] + 50);
  });

  it('ignores a colour profile', async () => {
    const plain = image(64, 64).jpeg({ quality: 95 });
    const marked = await plain.clone().withIccProfile('p3').toBuffer();
    const stored = await sharp(marked, { ignoreIcc: true }).raw().toBuffer();
    expect((await sharp(marked).metadata()).hasProfile).toBe(true);
    expect(await sharp(marked).raw().toBuffer()).not.toEqual(stored);
    const { pixels } = await decodeBox(marked, 'x', { size: 64, channels: 3 }, (width, height) => ({
      left: 0,
      top: 0,
      width,
      height,
    }));
    expect(Buffer.from(pixels).equals(stored)).toBe(true);
  });

  it.each([
    ['8', (made: sharp.Sharp) => made.toColourspace('b-w')],
    ['16', (made: sharp.Sharp) => made.toColourspace('grey16')],
  ])(
    'repeats gray of %s bits over three channels, and gives one where one is asked for',
    async (_bits, gray) => {
      const bytes = await gray(halves(40, 40, [200, 200, 200], [60, 60, 60]))
        .png()
        .toBuffer();
      expect((await sharp(bytes).metadata()).channels).toBe(1);
      const rgb = await decodeCenter(bytes, 'x', { size: 32, channels: 3 });
      expectColour(pixel(rgb, 4, 4), [200, 200, 200], 1);
      expectColour(pixel(rgb, 4, 28), [60, 60, 60], 1);
      const one = await decodeCenter(bytes, 'x', { size: 32, channels: 1 });
      expect(one.pixels).toHaveLength(1024);
      expectColour(pixel(one, 4, 4), [200], 1);
    },
  );

  it('makes colour gray where one channel is asked for', async () => {
    const decoded = await decodeCenter(await image(40, 40).png().toBuffer(), 'x', { size: 32, channels: 1 });
    expect(decoded.channels).toBe(1);
    expect(pixel(decoded, 0, 0)[0]).toBeGreaterThan(pixel(decoded, 0, 31)[0] + 50);
  });

  it('turns images upright before it chooses a box', async () => {
    // Orientation 6: shown turned a quarter clockwise, so the left half comes to lie on top.
    const bytes = await image(80, 40).withMetadata({ orientation: 6 }).jpeg({ quality: 95 }).toBuffer();
    const seen: number[][] = [];
    const decoded = await decodeBox(bytes, 'x', { size: 32, channels: 3 }, (width, height) => {
      seen.push([width, height]);
      return { left: 0, top: 0, width, height };
    });
    expect(seen).toEqual([[40, 80]]);
    for (const column of [0, 15, 31]) {
      expectColour(pixel(decoded, 1, column), ORANGE, 8);
      expectColour(pixel(decoded, 30, column), BLUE, 8);
    }
  });

  it('drops alpha and keeps the colours below it, whatever it is', async () => {
    const [width, height] = [70, 50];
    const colours = Uint8Array.from({ length: 3 * width * height }, (_, i) => (i * i * 37) >> 4);
    const opaque = await sharp(colours, { raw: { width, height, channels: 3 } })
      .png()
      .toBuffer();
    const box = () => ({ left: 5, top: 3, width: 60, height: 40 });
    for (const channels of [1, 3] as const) {
      const expected = await decodeBox(opaque, 'x', { size: 32, channels }, box);
      for (const alpha of [() => 0, (i: number) => (i * 91) & 255]) {
        const pixels = Uint8Array.from({ length: 4 * width * height }, (_, i) =>
          i % 4 < 3 ? colours[3 * (i >> 2) + (i % 4)] : alpha(i >> 2),
        );
        const bytes = await sharp(pixels, { raw: { width, height, channels: 4 } })
          .png()
          .toBuffer();
        expect((await sharp(bytes).metadata()).hasAlpha).toBe(true);
        const decoded = await decodeBox(bytes, 'x', { size: 32, channels }, box);
        // Gray is made of what is resized already, or the other way round.
        for (const [i, value] of decoded.pixels.entries())
          expect(Math.abs(value - expected.pixels[i])).toBeLessThanOrEqual(channels === 1 ? 1 : 0);
      }
    }
  });

  it('cuts the box that is chosen', async () => {
    const bytes = await image(100, 50).png().toBuffer();
    const right = await decodeBox(bytes, 'x', { size: 16, channels: 3 }, () => ({
      left: 60,
      top: 7,
      width: 40,
      height: 30,
    }));
    for (const column of [0, 8, 15]) expectColour(pixel(right, 8, column), BLUE, 0);
    const middle = await decodeBox(bytes, 'x', { size: 16, channels: 3 }, () => ({
      left: 40,
      top: 0,
      width: 20,
      height: 20,
    }));
    expectColour(pixel(middle, 8, 2), ORANGE, 0);
    expectColour(pixel(middle, 8, 13), BLUE, 0);
  });

  it('leaves an image alone that has the size already', async () => {
    const pixels = Uint8Array.from({ length: 3072 }, (_, i) => (i * 37) & 255);
    const bytes = await sharp(pixels, { raw: { width: 32, height: 32, channels: 3 } })
      .png()
      .toBuffer();
    expect(Array.from((await decodeCenter(bytes, 'x', { size: 32, channels: 3 })).pixels)).toEqual(
      Array.from(pixels),
    );
  });

  it.each(['jpeg', 'png', 'webp'] as const)('names a truncated %s, in one line', async (format) => {
    const pixels = Uint8Array.from({ length: 3 * 64 * 64 }, (_, i) => (i * i * 37) >> 3);
    const source = sharp(pixels, { raw: { width: 64, height: 64, channels: 3 } });
    const whole = await source.toFormat(format).toBuffer();
    const attempt = decodeCenter(whole.subarray(0, whole.length >> 1), 'train/a/1.jpg', {
      size: 32,
      channels: 3,
    });
    await expect(attempt).rejects.toThrow(UserError);
    await expect(attempt).rejects.toThrow(/^train\/a\/1.jpg cannot be decoded: .+$/);
  });

  it('says of each of many broken images what is wrong with that one', async () => {
    const pixels = Uint8Array.from({ length: 3 * 64 * 64 }, (_, i) => (i * i * 37) >> 3);
    const formats = ['jpeg', 'png', 'webp'] as const;
    // The header of a WebP says how long it is.
    const wrong = [
      'its jpeg data is cut off or damaged',
      'its png data is cut off or damaged',
      'its webp data is cut off or damaged',
    ];
    const cut = await Promise.all(
      formats.map(async (format) => {
        const source = sharp(pixels, { raw: { width: 64, height: 64, channels: 3 } });
        const whole = await source.toFormat(format).toBuffer();
        return whole.subarray(0, whole.length >> 1);
      }),
    );
    const attempts = Array.from({ length: 60 }, (_, i) =>
      decodeCenter(cut[i % 3], `${i}`, { size: 32, channels: 3 }),
    );
    const reasons = (await Promise.allSettled(attempts)).map((result) =>
      result.status === 'rejected' ? (result.reason as Error).message : 'decoded',
    );
    expect(reasons).toEqual(attempts.map((_, i) => `${i} cannot be decoded: ${wrong[i % 3]}`));
  });

  it.each([
    ['an empty file', Buffer.alloc(0), 'it is empty'],
    ['text', Buffer.from('<html>404</html>'), 'it is HTML, no image'],
    ['a start alone', Buffer.from('89504e470d0a1a0a0000000d', 'hex'), 'its png data is cut off or damaged'],
  ])('names %s', async (_name, bytes, reason) => {
    await expect(decodeCenter(bytes, 'b.png', { size: 32, channels: 3 })).rejects.toThrow(
      new UserError(`b.png cannot be decoded: ${reason}`),
    );
  });
});

describeShared('photographs', () => {
  it('decodes originals of every size', async () => {
    const root = path.join(sharedData, 'imagenet-originals');
    const names = readdirSync(root).filter((name) => name.endsWith('.JPEG'));
    expect(names).toHaveLength(100);
    for (const name of names) {
      const decoded = await decodeCenter(readFileSync(path.join(root, name)), name, {
        size: 64,
        channels: 3,
      });
      expect(decoded.pixels).toHaveLength(64 * 64 * 3);
      expect(new Set(decoded.pixels).size).toBeGreaterThan(20);
    }
  });
});
