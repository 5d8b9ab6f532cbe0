/** Logistic regression against scipy. */
import { openLogistic } from '../../src/evaluation/logistic';
import { distance, oracle } from './oracle';

test.each([0.01, 1, 100])('logistic regression with C = %d is scipy’s', async (c) => {
  const problem = await openLogistic(oracle.rows('logistic/rows'), oracle.labels('logistic/labels'), 3, 1);
  const { weights, biases, converged } = await problem.fit(c, undefined, 1e-7);
  await problem.release();
  expect(converged).toBe(true);
  const scale = Math.max(...oracle.numbers(`logistic/${c}/weights`).map(Math.abs));
  expect(distance(weights, oracle.numbers(`logistic/${c}/weights`)) / scale).toBeLessThan(1e-5);
  // a constant in all biases changes nothing
  const mean = biases.reduce((sum, b) => sum + b, 0) / 3;
  expect(
    distance(
      biases.map((b) => b - mean),
      oracle.numbers(`logistic/${c}/biases`),
    ) / scale,
  ).toBeLessThan(1e-5);
});
