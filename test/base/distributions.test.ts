/** Draws of mixup's weights: moments of the gamma and beta distributions, and their range. */
import fc from 'fast-check';
import { Random } from '../../src/base/random';

const COUNT = 20_000;

/** Mean and variance of many draws. */
function moments(draw: (random: Random) => number): [mean: number, variance: number] {
  const random = new Random(7, 'moments');
  const values = Array.from({ length: COUNT }, () => draw(random));
  const mean = values.reduce((a, b) => a + b, 0) / COUNT;
  return [mean, values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / COUNT];
}

test.each([0.3, 1, 4.5])('Gamma(%d, 1) has its mean and its variance', (a) => {
  const [mean, variance] = moments((random) => random.gamma(a));
  // five standard errors; the fourth central moment of Gamma(a) is 3 a^2 + 6 a
  expect(Math.abs(mean - a)).toBeLessThan(5 * Math.sqrt(a / COUNT));
  expect(Math.abs(variance - a)).toBeLessThan(5 * Math.sqrt((2 * a * a + 6 * a) / COUNT));
});

test.each([0.2, 1, 5])('Beta(%d, %d) has mean 1/2 and variance 1 / (4 (2 a + 1))', (a) => {
  const [mean, variance] = moments((random) => random.beta(a));
  const expected = 1 / (4 * (2 * a + 1));
  expect(Math.abs(mean - 0.5)).toBeLessThan(5 * Math.sqrt(expected / COUNT));
  expect(variance).toBeCloseTo(expected, 2);
});

test('a weight lies in [0, 1], for any parameter', () => {
  fc.assert(
    fc.property(fc.nat(), fc.double({ min: 1e-4, max: 100, noNaN: true }), (seed, a) => {
      const weight = new Random(seed, 'weight').beta(a);
      return weight >= 0 && weight <= 1;
    }),
  );
});
