import { createHash } from 'node:crypto';
import fc from 'fast-check';
import {
  EMBEDDED_CLASSES,
  EMBEDDED_SIZE,
  EMBEDDED_SIZES,
  embeddedImage,
  embeddedLabel,
  type EmbeddedSplit,
} from '../../../../src/data/sources/embedded/embedded';

const PIXELS = EMBEDDED_SIZE * EMBEDDED_SIZE * 3;
const split = fc.constantFrom<EmbeddedSplit>('train', 'test');

/** SHA-256 of 50 images of a split, far apart, with their labels. */
function digest(seed: number, of: EmbeddedSplit): string {
  const hash = createHash('sha256');
  for (let i = 0; i < 50; i++) {
    const { pixels, label } = embeddedImage(seed, of, i * 397);
    hash.update(pixels).update(Uint8Array.of(label));
  }
  return hash.digest('hex');
}

describe('the embedded data set', () => {
  it('has the bytes it was released with', () => {
    expect(digest(0, 'train')).toBe('995c41acb275ddf441241b86e8fe725a4e87612924701593ef5e40a3f173c582');
    expect(digest(0, 'test')).toBe('0db5cf83c6cf6876f4d00bac92e01b84e6a6e02f0eb61b280d687cee8f48fa6c');
    expect(digest(2 ** 40 + 3, 'train')).toBe(
      '106df519c6d4d2e174ceea888d55ae2e1e8e29ff8d1a3aba42ad883b2ab430ea',
    );
  });

  it('gives the same image whatever was asked for before', () => {
    fc.assert(
      fc.property(
        fc.nat(),
        split,
        fc.array(fc.nat(), { minLength: 2, maxLength: 6 }),
        (seed, of, indices) => {
          const forward = indices.map((index) => embeddedImage(seed, of, index));
          const backward = [...indices].reverse().map((index) => embeddedImage(seed, of, index));
          expect(backward.reverse()).toEqual(forward);
          expect(forward.map(({ label }) => label)).toEqual(indices.map((i) => embeddedLabel(seed, of, i)));
        },
      ),
      { numRuns: 30 },
    );
  });

  it('holds each class once in every ten images, in changing order', () => {
    expect(new Set(EMBEDDED_CLASSES).size).toBe(10);
    fc.assert(
      fc.property(fc.nat(), split, fc.nat({ max: 1_000_000 }), (seed, of, block) => {
        const labels = Array.from({ length: 10 }, (_, i) => embeddedLabel(seed, of, block * 10 + i));
        expect(labels.sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
      }),
    );
    const orders = Array.from({ length: 50 }, (_, block) =>
      Array.from({ length: 10 }, (_, i) => embeddedLabel(0, 'train', block * 10 + i)).join(),
    );
    expect(new Set(orders).size).toBe(50);
    expect(EMBEDDED_SIZES.train % 10).toBe(0);
    expect(EMBEDDED_SIZES.test % 10).toBe(0);
  });

  it('repeats no image, within a split, between splits or between seeds', () => {
    const seen = new Set<string>();
    for (let index = 0; index < 150; index++) {
      for (const [seed, of] of [
        [0, 'train'],
        [0, 'test'],
        [1, 'train'],
      ] as const) {
        seen.add(Buffer.from(embeddedImage(seed, of, index).pixels).toString('latin1'));
      }
    }
    expect(seen.size).toBe(450);
  });

  it('uses the range of a byte, without much of it clipped', () => {
    const counts = new Float64Array(256);
    for (let index = 0; index < 300; index++) {
      for (const value of embeddedImage(0, 'train', index).pixels) counts[value]++;
    }
    const total = 300 * PIXELS;
    const mean = counts.reduce((sum, count, value) => sum + count * value, 0) / total;
    const variance = counts.reduce((sum, count, value) => sum + count * (value - mean) ** 2, 0) / total;
    expect(counts.every((count) => count > 0)).toBe(true);
    expect(mean).toBeGreaterThan(100);
    expect(mean).toBeLessThan(140);
    expect(Math.sqrt(variance)).toBeGreaterThan(40);
    expect((counts[0] + counts[255]) / total).toBeLessThan(0.03);
  });

  it('refuses what is no index', () => {
    for (const index of [-1, 0.5, NaN, 2 ** 53]) {
      expect(() => embeddedImage(0, 'train', index)).toThrow(RangeError);
    }
  });
});
