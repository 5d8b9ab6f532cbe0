/** L-BFGS against minima that are known. */
import { minimize } from '../../src/evaluation/lbfgs';
import { distance } from './oracle';

test('L-BFGS finds the minimum of Rosenbrock’s valley, with no gradient left', async () => {
  const minimum = await minimize(
    ([x, y]) => ({
      value: (1 - x) ** 2 + 100 * (y - x * x) ** 2,
      gradient: Float64Array.of(-2 * (1 - x) - 400 * x * (y - x * x), 200 * (y - x * x)),
    }),
    Float64Array.of(-1.2, 1),
    { tolerance: 1e-9 },
  );
  expect(minimum.converged).toBe(true);
  expect(Math.max(...minimum.gradient.map(Math.abs))).toBeLessThanOrEqual(1e-9);
  expect(distance(minimum.x, [1, 1])).toBeLessThan(1e-8);
  expect(minimum.iterations).toBeLessThan(60);
});

test('L-BFGS says where it did not arrive', async () => {
  const slope = () => ({ value: NaN, gradient: Float64Array.of(1) });
  expect(await minimize(slope, Float64Array.of(0))).toMatchObject({ converged: false, iterations: 0 });
});
