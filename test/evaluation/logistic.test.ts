/** Logistic regression against scipy, and what its classes are. */
import { classify, openLogistic } from '../../src/evaluation/logistic';
import { distance, oracle } from './oracle';

const open = () => openLogistic(oracle.rows('logistic/rows'), oracle.labels('logistic/labels'), 3, 1);

test.each([0.01, 1, 100])('with C = %d it is scipy’s', async (c) => {
  const problem = await open();
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

test('from a minimum there is nowhere to go, to a tolerance that is already met', async () => {
  const problem = await open();
  const first = await problem.fit(1, undefined, 1e-7);
  const again = await problem.fit(1, first, 1e-6);
  expect(again).toEqual(first);
  // from there to another C as from zeros
  const [warm, cold] = [await problem.fit(10, first, 1e-8), await problem.fit(10, undefined, 1e-8)];
  expect(distance(warm.weights, cold.weights)).toBeLessThan(1e-5);
  // the tolerance without a word is scikit-learn's
  const rough = await problem.fit(10);
  expect(distance(rough.weights, cold.weights)).toBeLessThan(0.1);
  await problem.release();
});

test('a row’s class has the largest logit, of equals the lower label', () => {
  const model = {
    weights: Float64Array.of(1, 0, 0, 1, -1, -1),
    biases: Float64Array.of(0, 0, 0.5),
    converged: true,
  };
  const values = Float32Array.of(2, 1, 1, 2, -1, -1, 1, 1, 0, 0);
  expect([...classify(model, { count: 5, width: 2, values })]).toEqual([0, 1, 2, 0, 2]);
});
