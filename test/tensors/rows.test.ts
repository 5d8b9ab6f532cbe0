/** Operations on rows of numbers. */
import fc from 'fast-check';
import {
  argmax,
  largestIndices,
  nearestRows,
  neighbourAgreement,
  softmax,
  unitRows,
} from '../../src/tensors/rows';

const rowsOf = (width: number, numbers: readonly number[]) => ({
  count: numbers.length / width,
  width,
  values: Float32Array.from(numbers),
});

test('neighbours by cosine, and how often they agree', () => {
  const units = unitRows(rowsOf(2, [2, 0, 3, 0.1, 0, 5, 0.1, 1]));
  expect(nearestRows(units, 0, 2).map(({ index }) => index)).toEqual([1, 3]);
  expect(neighbourAgreement(units, Int32Array.of(0, 0, 1, 0))).toEqual({ accuracy: 0.5, chance: 0.5 });
});

test('the largest comes first, of equals the one that comes first', () => {
  expect(argmax([1, 3, 3, 2])).toBe(1);
  expect(argmax([-1])).toBe(0);
  expect(largestIndices([1, 3, 2, 3, -1], 3)).toEqual([1, 3, 2]);
  expect(largestIndices([1, 2], 5)).toEqual([1, 0]);
});

test('softmax adds up to one, however large its numbers are', () => {
  const [a, b, c] = softmax([1000, 1000 + Math.log(3), 0]);
  expect([a, b, c].map((p) => p.toFixed(9))).toEqual(['0.250000000', '0.750000000', '0.000000000']);
});

test('rows of unit length have length one; zeros stay', () => {
  fc.assert(
    fc.property(
      fc.array(fc.float({ min: -100, max: 100, noNaN: true }), { minLength: 3, maxLength: 3 }),
      (row) => {
        const { values } = unitRows({ count: 1, width: 3, values: Float32Array.from(row) });
        const length = Math.hypot(...values);
        expect(length).toBeCloseTo(row.some((value) => value !== 0) ? 1 : 0, 5);
      },
    ),
  );
});
