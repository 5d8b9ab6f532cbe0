import fc from 'fast-check';
import * as colour from '../../../src/data/images/colourOps';
import { GRAY, rotate, shearX, shearY, translateX, translateY } from '../../../src/data/images/geometryOps';
import { Random } from '../../../src/base/random';
import {
  cutout,
  drawOperation,
  OPERATIONS,
  randAugment,
  strongAugment,
} from '../../../src/data/images/randAugment';
import type { DecodedImage } from '../../../src/data/images/transforms';
import { readSafetensors } from '../../../src/tensors/safetensors';
import { fixture } from '../../support/paths';

const side = fc.integer({ min: 1, max: 20 });
const anyImage: fc.Arbitrary<DecodedImage> = fc
  .tuple(side, side, fc.constantFrom(1, 3))
  .chain(([width, height, channels]) =>
    fc
      .uint8Array({ minLength: width * height * channels, maxLength: width * height * channels })
      .map((pixels) => ({ width, height, channels, pixels: Uint8Array.from(pixels) })),
  );
const anyMagnitude = fc.double({ min: 0.01, max: 1, noNaN: true });

/** Counts the numbers taken from it. */
class CountingRandom extends Random {
  taken = 0;
  override nextUint32(): number {
    this.taken++;
    return super.nextUint32();
  }
}

describe('the operations of RandAugment equal Pillow (tools/reference/randaugment_fixtures.py)', () => {
  const { tensors } = readSafetensors(fixture('randaugment.safetensors'));
  const tensor = (name: string) => {
    const found = tensors.get(name);
    if (!found) throw new Error(`randaugment.safetensors has no ${name}`);
    return { shape: found.shape, values: Array.from(found.data, Number) };
  };
  const names = (group: string) =>
    [...tensors.keys()].filter((name) => name.startsWith(group)).map((name) => name.slice(group.length));
  const operations: Record<string, (image: DecodedImage, parameter: number) => DecodedImage> = {
    ...colour,
    ...{ rotate, shearX, shearY, translateX, translateY },
  };

  it('for every operation', () => {
    const all = OPERATIONS.map(({ name }) => name).filter((name) => name !== 'identity');
    expect(names('parameters/').sort()).toEqual(all.sort());
    expect(Object.keys(operations).sort()).toEqual(all.sort());
  });

  it.each(names('parameters/'))('%s', (operation) => {
    const parameters = tensor(`parameters/${operation}`).values;
    for (const kind of names('images/')) {
      const { shape, values } = tensor(`images/${kind}`);
      const [height, width, channels] = shape;
      const image = { width, height, channels, pixels: Uint8Array.from(values) };
      const expected = tensor(`results/${kind}/${operation}`);
      for (let i = 0; i < expected.shape[0]; i++) {
        const result = operations[operation](image, parameters[i]);
        expect({ kind, parameter: parameters[i], ...result, pixels: [...result.pixels] }).toEqual({
          kind,
          parameter: parameters[i],
          ...image,
          pixels: expected.values.slice(i * values.length, (i + 1) * values.length),
        });
      }
      expect([...image.pixels]).toEqual(values);
    }
  });
});

describe('randAugment', () => {
  it('keeps the shape and its input, depends on the stream alone, and takes two numbers an operation', () => {
    fc.assert(
      fc.property(
        anyImage,
        fc.nat({ max: 4 }),
        anyMagnitude,
        fc.nat(),
        (image, operations, magnitude, seed) => {
          const before = Uint8Array.from(image.pixels);
          const random = new CountingRandom(seed);
          const result = randAugment(image, operations, magnitude, random);
          expect(random.taken).toBe(2 * operations);
          expect(image.pixels).toEqual(before);
          expect({ ...result, pixels: result.pixels.length }).toEqual({ ...image, pixels: before.length });
          expect(randAugment(image, operations, magnitude, new Random(seed))).toEqual(result);
        },
      ),
      { numRuns: 200 },
    );
  });

  it('draws all fourteen operations alike', () => {
    const count = new Map<string, number>();
    const random = new Random(7);
    for (let i = 0; i < 14000; i++) {
      const { name } = drawOperation(1, random).operation;
      count.set(name, (count.get(name) ?? 0) + 1);
    }
    expect(count.size).toBe(14);
    // 1000 each is expected with a standard deviation of 30.5.
    expect(Math.min(...count.values())).toBeGreaterThan(850);
    expect(Math.max(...count.values())).toBeLessThan(1150);
  });

  it('fills the ranges of the table, shrunk towards the identity by the magnitude', () => {
    const [factor, share] = [
      [0.05, 0.95, 1],
      [-0.3, 0.3, 0],
    ];
    /** Lowest and highest parameter at magnitude 1, and the parameter of the identity. */
    const ranges: Record<string, number[]> = {
      ...{ brightness: factor, color: factor, contrast: factor, sharpness: factor },
      ...{ posterize: [4, 8, 8], solarize: [0, 256, 256], rotate: [-30, 30, 0] },
      ...{ shearX: share, shearY: share, translateX: share, translateY: share },
      ...{ identity: [0, 0, 0], autoContrast: [0, 0, 0], equalize: [0, 0, 0] },
    };
    for (const { name, parameter } of OPERATIONS) {
      const [low, high, identity] = ranges[name];
      for (const magnitude of [1, 0.5, 0.25]) {
        const drawn = Array.from({ length: 1000 }, (_, i) => parameter(i / 1000, magnitude));
        // Nearly: the upper end of u is open.
        const near = 0.002 * (high - low) + 1e-12;
        const [least, most] = [Math.min(...drawn) - identity, Math.max(...drawn) - identity];
        expect(Math.abs(least - magnitude * (low - identity))).toBeLessThanOrEqual(near);
        expect(Math.abs(most - magnitude * (high - identity))).toBeLessThanOrEqual(near);
      }
    }
    const posterize = OPERATIONS.find(({ name }) => name === 'posterize');
    const bits = [0, 0.2, 0.4, 0.6, 0.8].map((u) => posterize?.parameter(u, 1));
    expect(bits).toEqual([8, 7, 6, 5, 4]);
  });

  it('approaches the identity where the magnitude is small, but for what has no parameter', () => {
    fc.assert(
      fc.property(anyImage, fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (image, u) => {
        for (const { name, parameter, apply } of OPERATIONS) {
          if (name === 'autoContrast' || name === 'equalize') continue;
          const { pixels } = apply(image, parameter(u, 1e-4));
          // Blending cuts the fraction off, which costs a level.
          expect(pixels.every((value, i) => Math.abs(value - image.pixels[i]) <= 1)).toBe(true);
        }
      }),
    );
  });
});

describe('cutout', () => {
  it('fills one square, clipped at the border, around a pixel of the image', () => {
    fc.assert(
      fc.property(anyImage, fc.nat({ max: 30 }), fc.nat(), (image, length, seed) => {
        const before = Uint8Array.from(image.pixels);
        const random = new CountingRandom(seed);
        const result = cutout(image, length, random);
        expect(random.taken).toBe(2);
        expect(image.pixels).toEqual(before);
        const again = new Random(seed);
        const [left, top] = [image.width, image.height].map((n) => again.integer(n) - Math.floor(length / 2));
        const expected = before.map((value, i) => {
          const column = Math.floor(i / image.channels) % image.width;
          const row = Math.floor(i / image.channels / image.width);
          const inside = column >= left && column < left + length && row >= top && row < top + length;
          return inside ? GRAY : value;
        });
        expect(result).toEqual({ ...image, pixels: expected });
      }),
    );
  });

  it('has every place for its centre, and the whole area away from the border', () => {
    const image = { width: 6, height: 5, channels: 1, pixels: new Uint8Array(30) };
    const seen = new Map<string, number>();
    for (let seed = 0; seed < 3000; seed++) {
      const { pixels } = cutout(image, 3, new Random(seed));
      seen.set(pixels.join(), pixels.filter((value) => value === GRAY).length);
    }
    const areas = [...seen.values()];
    expect(areas).toHaveLength(30);
    expect(areas.filter((area) => area === 9)).toHaveLength(4 * 3);
    expect(areas.filter((area) => area === 6)).toHaveLength(2 * 4 + 2 * 3);
    expect(areas.filter((area) => area === 4)).toHaveLength(4);
  });

  it('follows RandAugment in strongAugment, whose pixels are its own', () => {
    const image = { width: 4, height: 4, channels: 1, pixels: new Uint8Array(16) };
    const settings = { operations: 3, magnitude: 0.7, cutout: 2 };
    const [random, again] = [new CountingRandom(1), new Random(1)];
    const result = strongAugment(image, settings, random);
    expect(result).toEqual(cutout(randAugment(image, 3, 0.7, again), 2, again));
    expect(random.taken).toBe(2 * 3 + 2);
    const nothing = { operations: 0, magnitude: 1, cutout: 0 };
    expect(strongAugment(image, nothing, random).pixels).not.toBe(image.pixels);
  });
});
