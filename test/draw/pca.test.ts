/** Principal components of points where they are known. */
import { principalComponents } from '../../src/draw/pca';

const rowsOf = (width: number, numbers: readonly number[]) => ({
  count: numbers.length / width,
  width,
  values: Float32Array.from(numbers),
});

test('principal components of points on two orthogonal directions', () => {
  // (3 cos t) along [0.6, 0.8, 0] and (cos 2t) along [0, 0, 1], around a mean far from zero
  const n = 64;
  const points = Array.from({ length: n }, (_, i) => {
    const t = (2 * Math.PI * i) / n;
    return [5 + 0.6 * 3 * Math.cos(t), -2 + 0.8 * 3 * Math.cos(t), 1 + Math.cos(2 * t)];
  });
  const { coordinates, explained } = principalComponents(rowsOf(3, points.flat()), 2);
  expect(explained[0]).toBeCloseTo(0.9, 5);
  expect(explained[1]).toBeCloseTo(0.1, 5);
  for (let i = 0; i < n; i++) {
    const t = (2 * Math.PI * i) / n;
    expect(coordinates[2 * i]).toBeCloseTo(3 * Math.cos(t), 3);
    expect(coordinates[2 * i + 1]).toBeCloseTo(Math.cos(2 * t), 3);
  }
});

test('principal components of equal points are all zero', () => {
  const { coordinates, explained } = principalComponents(rowsOf(3, Array<number>(12).fill(2)), 2);
  expect(Array.from(coordinates)).toEqual(Array(8).fill(0));
  expect(explained).toEqual([0, 0]);
});
