/** Eigenvalues of symmetric matrices, where they are known. */
import { symmetricEigenvalues } from '../../src/evaluation/eigenvalues';
import { distance } from './oracle';

test.each([
  [[5], 1, [5]],
  [[2, 0, 0, 3], 2, [2, 3]],
  [[2, 1, 1, 2], 2, [1, 3]],
  // the path of four points: 2 - 2 cos(pi k / 4)
  [[1, -1, 0, 0, -1, 2, -1, 0, 0, -1, 2, -1, 0, 0, -1, 1], 4, [0, 2 - Math.SQRT2, 2, 2 + Math.SQRT2]],
  [new Array<number>(9).fill(0), 3, [0, 0, 0]],
])('eigenvalues of %j', (matrix, n, expected) => {
  expect(distance(symmetricEigenvalues(Float64Array.from(matrix), n), expected)).toBeLessThan(1e-12);
});
