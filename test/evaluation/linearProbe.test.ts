/** L-BFGS, logistic regression against scipy, and the probe's choice of C. */
import { holdOut } from '../../src/evaluation/holdOut';
import { minimize } from '../../src/evaluation/lbfgs';
import { linearProbe } from '../../src/evaluation/linearProbe';
import { openLogistic } from '../../src/evaluation/logistic';
import { distance, oracle } from './oracle';

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

describe('the probe', () => {
  /** One informative column beside many of noise: what `scale` does to a column must not matter. */
  const draw = (count: number, shift: number, scale: number) => {
    const width = 12;
    const labels = Int32Array.from({ length: count }, (_, i) => i % 2);
    const values = Float32Array.from({ length: count * width }, (_, i) => {
      const row = Math.floor(i / width);
      const noise = Math.sin(12.9898 * (i + shift)) * 4;
      return i % width === 0 ? scale * (labels[row] * 6 + noise) : i % width === 1 ? 3 : noise;
    });
    return { count, width, values, labels };
  };

  test('learns, whatever the scale of a column, and picks C from the grid', async () => {
    const options = { seed: 0, threads: 1 };
    const probe = (scale: number) => linearProbe(draw(200, 0, scale), draw(100, 7777, scale), 2, options);
    const [plain, scaled] = [await probe(1), await probe(1000)];
    const { labels } = draw(100, 7777, 1);
    const right = plain.predictions.filter((label, i) => label === labels[i]).length;
    expect(right).toBeGreaterThan(75);
    expect(plain.grid.map(({ c }) => c)).toContain(plain.c);
    expect(
      plain.grid.every(({ accuracy }) => accuracy <= Math.max(...plain.grid.map((g) => g.accuracy))),
    ).toBe(true);
    expect(scaled.c).toBe(plain.c);
    expect(distance(scaled.predictions, plain.predictions)).toBeLessThanOrEqual(1);
    expect(scaled.predictions.filter((label, i) => label !== plain.predictions[i]).length).toBeLessThan(3);
  });
});

test('held-out images: balanced, from the seed, never a whole class', () => {
  const labels = Int32Array.from({ length: 103 }, (_, i) => (i < 100 ? i % 2 : i < 102 ? 2 : 3));
  const { kept, held } = holdOut(labels, 0.2, 5);
  expect(Array.from([...kept, ...held].sort((a, b) => a - b))).toEqual(Array.from(labels.keys()));
  const of = (label: number) => Array.from(held).filter((at) => labels[at] === label).length;
  expect([0, 1, 2, 3].map(of)).toEqual([10, 10, 1, 0]);
  expect(holdOut(labels, 0.2, 5)).toEqual({ kept, held });
  expect(holdOut(labels, 0.2, 6).held).not.toEqual(held);
});
