import fc from 'fast-check';
import { Random } from '../../../src/base/random';
import {
  augmentRandom,
  centerBox,
  type DecodedImage,
  flip,
  middleBox,
  padCrop,
  padCropFlip,
  randomResizedBox,
} from '../../../src/data/images/transforms';

const side = fc.integer({ min: 1, max: 9 });
const anyImage: fc.Arbitrary<DecodedImage> = fc
  .tuple(side, side, fc.constantFrom(1, 3))
  .chain(([width, height, channels]) =>
    fc
      .uint8Array({ minLength: width * height * channels, maxLength: width * height * channels })
      .map((pixels) => ({ width, height, channels, pixels: Uint8Array.from(pixels) })),
  );

/** Value at a place of the image, 0 outside. */
const at = ({ width, height, channels, pixels }: DecodedImage, row: number, column: number, c: number) =>
  row < 0 || column < 0 || row >= height || column >= width
    ? 0
    : pixels[(row * width + column) * channels + c];

const places = ({ width, height, channels }: DecodedImage) =>
  Array.from({ length: width * height * channels }, (_, i) => ({
    row: Math.floor(i / channels / width),
    column: Math.floor(i / channels) % width,
    c: i % channels,
  }));

describe('transforms', () => {
  it('pad-and-crop is a shift with zeros, for every place', () => {
    fc.assert(
      fc.property(anyImage, fc.integer({ min: 1, max: 12 }), fc.nat(), fc.nat(), (image, pad, a, b) => {
        const [x, y] = [a % (2 * pad + 1), b % (2 * pad + 1)];
        const before = Uint8Array.from(image.pixels);
        const result = padCrop(image, pad, x, y);
        for (const { row, column, c } of places(image)) {
          expect(at(result, row, column, c)).toBe(at(image, row + y - pad, column + x - pad, c));
        }
        expect(image.pixels).toEqual(before);
      }),
    );
  });

  it('flip mirrors left and right', () => {
    fc.assert(
      fc.property(anyImage, (image) => {
        const result = flip(image);
        for (const { row, column, c } of places(image)) {
          expect(at(result, row, column, c)).toBe(at(image, row, image.width - 1 - column, c));
        }
        expect(flip(result)).toEqual(image);
      }),
    );
  });

  it('reaches every shift and both directions', () => {
    const pixels = Uint8Array.from({ length: 25 }, (_, i) => i + 1);
    const image = { width: 5, height: 5, channels: 1, pixels };
    const seen = new Map<string, number>();
    for (let index = 0; index < 2000; index++) {
      const key = padCropFlip(image, 1, true, augmentRandom(3, 0, index)).pixels.join();
      seen.set(key, (seen.get(key) ?? 0) + 1);
    }
    expect(seen.size).toBe(18);
    // 111 each is expected; 60 is five standard deviations below.
    expect(Math.min(...seen.values())).toBeGreaterThan(60);
    expect(padCropFlip(image, 0, false, augmentRandom(3, 0, 0))).toEqual(image);
  });

  it('random-resized boxes lie inside and keep the limits where they fit', () => {
    const size = fc.integer({ min: 1, max: 3000 });
    fc.assert(
      fc.property(
        size,
        size,
        fc.double({ min: 0.01, max: 1, noNaN: true }),
        fc.nat(),
        (width, height, scale, seed) => {
          const box = randomResizedBox(width, height, scale, new Random(seed));
          expect(Math.min(box.left, box.top)).toBeGreaterThanOrEqual(0);
          expect(Math.min(box.width, box.height)).toBeGreaterThanOrEqual(1);
          expect(box.left + box.width).toBeLessThanOrEqual(width);
          expect(box.top + box.height).toBeLessThanOrEqual(height);
          // Where rounding is small against the box.
          if (Math.min(box.width, box.height) > 30) {
            const ratio = box.width / box.height;
            expect(ratio).toBeGreaterThan((3 / 4) * 0.95);
            expect(ratio).toBeLessThan((4 / 3) * 1.05);
          }
        },
      ),
      { numRuns: 500 },
    );
  });

  it('random-resized areas are uniform between the limits', () => {
    const areas = Array.from({ length: 4000 }, (_, i) => {
      const { width, height } = randomResizedBox(1000, 1000, 0.1, augmentRandom(1, 0, i));
      return (width * height) / 1e6;
    });
    expect(Math.min(...areas)).toBeGreaterThan(0.099);
    // Below 3/4 every ratio fits, so each tenth is hit alike: 444 of 4000, and more as the largest areas are redrawn.
    for (const lower of [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]) {
      const count = areas.filter((area) => area >= lower && area < lower + 0.1).length;
      expect(count).toBeGreaterThan(380);
      expect(count).toBeLessThan(600);
    }
  });

  it('boxes of a rectangle have its ratio, in the middle', () => {
    const target = { width: 96, height: 48 };
    expect(centerBox(96, 48, target)).toEqual({ left: 0, top: 0, width: 96, height: 48 });
    expect(centerBox(800, 400, target)).toEqual({ left: 50, top: 25, width: 700, height: 350 });
    expect(centerBox(400, 400, target)).toEqual({ left: 25, top: 112, width: 350, height: 175 });
    expect(middleBox(400, 400, target)).toEqual({ left: 0, top: 100, width: 400, height: 200 });
    expect(middleBox(1000, 80, target)).toEqual({ left: 420, top: 0, width: 160, height: 80 });
    const ratios = Array.from({ length: 2000 }, (_, i) => {
      const { width, height } = randomResizedBox(2000, 1000, 0.1, new Random(i, 'box'), 2);
      return width / height;
    });
    expect(Math.min(...ratios)).toBeGreaterThan(2 * 0.74);
    expect(Math.max(...ratios)).toBeLessThan(2 * 1.35);
    expect(ratios.filter((ratio) => ratio > 2).length / 2000).toBeCloseTo(0.5, 1);
    // too tall for any ratio that is allowed: the least tall one, in the middle
    expect(randomResizedBox(90, 900, 1, new Random(0, 'box'), 2)).toEqual({
      left: 0,
      top: 420,
      width: 90,
      height: 60,
    });
  });

  it('center boxes are square and central', () => {
    expect(centerBox(256, 256, { width: 224, height: 224 })).toEqual({
      left: 16,
      top: 16,
      width: 224,
      height: 224,
    });
    expect(centerBox(512, 256, { width: 224, height: 224 })).toEqual({
      left: 144,
      top: 16,
      width: 224,
      height: 224,
    });
    expect(centerBox(224, 224, { width: 224, height: 224 })).toEqual({
      left: 0,
      top: 0,
      width: 224,
      height: 224,
    });
    expect(centerBox(1, 1, { width: 32, height: 32 })).toEqual({ left: 0, top: 0, width: 1, height: 1 });
  });
});
