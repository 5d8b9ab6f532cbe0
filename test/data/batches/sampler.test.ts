import fc from 'fast-check';
import { createSampler } from '../../../src/data/batches/batch';
import {
  allBut,
  position,
  sequentialSampler,
  shuffledSampler,
  spread,
  subset,
} from '../../../src/data/batches/sampler';
import { UserError } from '../../../src/base/errors';

const range = (n: number) => Int32Array.from({ length: n }, (_, i) => i);

/** A labelled source with sizes[c] examples of class c, the classes interleaved. */
function labelled(sizes: readonly number[]) {
  const labels: number[] = [];
  for (let i = 0; i < Math.max(...sizes); i++) sizes.forEach((size, c) => i < size && labels.push(c));
  return {
    name: 'toy',
    length: labels.length,
    classes: sizes.map((_, c) => `class ${c}`),
    label: (index: number) => labels[index],
    labels,
  };
}

const countByClass = (source: ReturnType<typeof labelled>, indices: Int32Array) =>
  source.classes.map((_, c) => indices.filter((index) => source.labels[index] === c).length);

describe('sampler', () => {
  it('takes so many of the examples, spread evenly, and no more than there are', () => {
    const image = { size: 32, channels: 3 };
    const common = { spec: 'x', split: 'test', batch: 3, seed: 0, mode: 'evaluate', augment: null } as const;
    const drawn = (indices: Int32Array | undefined, limit: number) => {
      const sampler = createSampler({ length: 9 }, { ...common, image, indices, limit });
      return Array.from({ length: sampler.stepsPerEpoch }, (_, step) => sampler.draw(step)).flatMap(
        ({ indices: part, valid }) => [...part.subarray(0, valid)],
      );
    };
    expect(drawn(undefined, 3)).toEqual([0, 3, 6]);
    expect(drawn(Int32Array.of(1, 2, 4, 5, 7, 8), 4)).toEqual([1, 2, 5, 7]);
    expect(drawn(undefined, 100)).toEqual([...range(9)]);
  });

  it('each epoch is a permutation, less what does not fill a batch', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 60 }),
        fc.integer({ min: 1, max: 60 }),
        fc.nat(),
        (a, b, seed) => {
          const [length, batch] = [Math.max(a, b), Math.min(a, b)];
          const indices = range(length).map((i) => 3 * i + 1);
          const sampler = shuffledSampler(indices, batch, seed);
          expect(sampler.stepsPerEpoch).toBe(Math.floor(length / batch));
          for (const epoch of [0, 1, 7]) {
            const seen = new Set<number>();
            for (let i = 0; i < sampler.stepsPerEpoch; i++) {
              const draw = sampler.draw(epoch * sampler.stepsPerEpoch + i);
              expect([draw.epoch, draw.valid, draw.indices.length]).toEqual([epoch, batch, batch]);
              draw.indices.forEach((index) => seen.add(index));
            }
            expect(seen.size).toBe(sampler.stepsPerEpoch * batch);
            for (const index of seen) expect(indices).toContain(index);
          }
        },
      ),
    );
  });

  it('gives any step in any order of asking', () => {
    const forward = shuffledSampler(range(103), 10, 5);
    const steps = Array.from({ length: 40 }, (_, step) => forward.draw(step));
    const other = shuffledSampler(range(103), 10, 5);
    for (const step of [39, 0, 25, 10, 9]) expect(other.draw(step)).toEqual(steps[step]);
    expect(steps[0].indices).not.toEqual(steps[10].indices);
    expect(shuffledSampler(range(103), 10, 6).draw(0).indices).not.toEqual(steps[0].indices);
  });

  it('positions by arithmetic', () => {
    expect(position(0, 390, 128)).toEqual({ epoch: 0, offset: 0 });
    expect(position(389, 390, 128)).toEqual({ epoch: 0, offset: 389 * 128 });
    expect(position(390, 390, 128)).toEqual({ epoch: 1, offset: 0 });
    fc.assert(
      fc.property(
        fc.nat(),
        fc.integer({ min: 1, max: 5000 }),
        fc.integer({ min: 1, max: 1024 }),
        (step, per, batch) => {
          const { epoch, offset } = position(step, per, batch);
          expect(epoch * per + offset / batch).toBe(step);
          expect(offset).toBeLessThan(per * batch);
        },
      ),
    );
  });

  it('refuses fewer examples than a batch', () => {
    expect(() => shuffledSampler(range(5), 8, 0)).toThrow(UserError);
    expect(() => shuffledSampler(range(5), 8, 0)).toThrow(/5 examples are fewer than one batch of 8/);
  });

  it('evaluates each example once and fills the last batch', () => {
    const sampler = sequentialSampler(
      range(7).map((i) => 10 * i),
      3,
    );
    expect(sampler.stepsPerEpoch).toBe(3);
    expect([0, 1, 2].map((step) => [...sampler.draw(step).indices])).toEqual([
      [0, 10, 20],
      [30, 40, 50],
      [60, 60, 60],
    ]);
    expect([0, 1, 2].map((step) => sampler.draw(step).valid)).toEqual([3, 3, 1]);
    expect(() => sampler.draw(3)).toThrow(RangeError);
  });
});

describe('subset', () => {
  it('is balanced, ascending and drawn from the seed', () => {
    const source = labelled(new Array<number>(10).fill(100));
    const ten = subset(source, '10%', 1);
    expect(countByClass(source, ten)).toEqual(new Array(10).fill(10));
    expect([...ten]).toEqual([...ten].sort((a, b) => a - b));
    expect(subset(source, '100', 1)).toEqual(ten);
    expect(subset(source, '10%', 2)).not.toEqual(ten);
    const twenty = new Set(subset(source, '20%', 1));
    for (const index of ten) expect(twenty).toContain(index);
    expect(subset(source, '100%', 3)).toEqual(range(1000));
    expect(subset(source, '0.5 %'.replace(' ', ''), 3)).toHaveLength(5);
  });

  it('is as balanced as the sizes allow', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 8 }),
        fc.nat(),
        fc.nat(),
        (sizes, k, seed) => {
          const source = labelled(sizes);
          const size = 1 + (k % source.length);
          const chosen = subset(source, String(size), seed);
          expect(new Set(chosen).size).toBe(size);
          const counts = countByClass(source, chosen);
          // A class may fall behind the best served by more than one only where it has no more to give.
          counts.forEach((n, c) => expect(n >= Math.max(...counts) - 1 || n === sizes[c]).toBe(true));
        },
      ),
    );
  });

  it('gives what does not divide to classes drawn at random', () => {
    const source = labelled([50, 50, 50]);
    const favoured = new Set(
      Array.from({ length: 30 }, (_, seed) => countByClass(source, subset(source, '4', seed)).indexOf(2)),
    );
    expect(favoured).toEqual(new Set([0, 1, 2]));
  });

  it('is uniform on request', () => {
    const source = labelled([100, 100]);
    const chosen = subset(source, '50', 4, { balanced: false });
    expect(new Set(chosen).size).toBe(50);
    expect(chosen).not.toEqual(subset(source, '50', 5, { balanced: false }));
  });

  it.each([
    ['0', /leaves none/],
    ['0%', /leaves none/],
    ['0.01%', /leaves none/],
    ['101', /more than the 100 examples of toy/],
    ['100.5%', /more than the 100/],
    ['5.5', /neither a percentage/],
    ['-3', /neither a percentage/],
    ['five', /neither a percentage/],
    ['5%%', /neither a percentage/],
    ['', /neither a percentage/],
    ['1e3', /neither a percentage/],
  ])('refuses %p', (spec, message) => {
    const source = labelled([50, 50]);
    expect(() => subset(source, spec, 0)).toThrow(UserError);
    expect(() => subset(source, spec, 0)).toThrow(message);
  });

  it('refuses a source without labels', () => {
    const source = { name: 'folder:x', length: 10, classes: null, label: () => null };
    expect(() => subset(source, '5', 0)).toThrow(/folder:x has no labels/);
  });

  it('takes so many of each class, and says which has too few', () => {
    const source = labelled([5, 3, 9]);
    expect(countByClass(source, subset(source, '3/class', 1))).toEqual([3, 3, 3]);
    expect(subset(source, '3/class', 1)).not.toEqual(subset(source, '3/class', 2));
    // for each class, whatever else is asked for
    expect(countByClass(source, subset(source, '2/class', 1, { balanced: false }))).toEqual([2, 2, 2]);
    expect(() => subset(source, '4/class', 1)).toThrow("labels '4/class': class class 1 of toy has only 3");
    expect(() => subset(labelled([3, 5]), '4/class', 1)).toThrow('class class 0 of toy has only 3');
    const unlabelled = { name: 'folder:x', length: 10, classes: null, label: () => null };
    expect(() => subset(unlabelled, '2/class', 0, { balanced: false })).toThrow('has no labels');
    expect(subset(unlabelled, '3', 0, { balanced: false })).toHaveLength(3);
  });

  it('draws from a pool, of which a percentage is one, and validation apart from labels', () => {
    const source = labelled([20, 20]);
    const pool = range(40).filter((i) => i % 4 < 2);
    for (const balanced of [true, false]) {
      const half = subset(source, '50%', 3, { pool, balanced });
      expect(half).toHaveLength(10);
      expect([...half]).toEqual([...half].sort((a, b) => a - b));
      for (const index of half) expect(pool).toContain(index);
      expect(subset(source, '50%', 3, { pool, balanced, option: 'validation' })).not.toEqual(half);
    }
    expect(() => subset(source, '21', 3, { pool })).toThrow(
      "labels '21' is more than the 20 examples of toy",
    );
    expect(() => subset(source, '0', 3, { pool, option: 'validation' })).toThrow(
      "validation '0' of 20 examples",
    );
  });

  it('rounds a percentage to the nearest number', () => {
    const source = labelled([15, 15]);
    const sizes = ['5%', '8%', '8.4%', '1.7%'].map((spec) => subset(source, spec, 0).length);
    expect(sizes).toEqual([2, 2, 3, 1]);
  });
});

test('all but some, and some of all', () => {
  expect([...allBut(6, Int32Array.of(4, 0, 1))]).toEqual([2, 3, 5]);
  expect([...spread(10, 4)]).toEqual([0, 2, 5, 7]);
  expect([...spread(3, 9)]).toEqual([0, 1, 2]);
});
