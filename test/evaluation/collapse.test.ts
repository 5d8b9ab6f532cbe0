/** The collapse measures against numpy, and at their ends. */
import { Random } from '../../src/base/random';
import { collapse, effectiveRank, singularValues, spread } from '../../src/evaluation/collapse';
import { distance, oracle } from './oracle';

test.each(['tall', 'wide'])('a %s matrix: singular values, rank and spread are numpy’s', async (name) => {
  const rows = oracle.rows(`collapse/${name}/rows`);
  const expected = oracle.numbers(`collapse/${name}/singular`);
  const singular = await singularValues(rows, 1);
  expect(distance(singular.reverse(), expected) / expected[0]).toBeLessThan(1e-7);
  const found = await collapse(rows, 1);
  expect(found.rank / oracle.numbers(`collapse/${name}/rank`)[0]).toBeCloseTo(1, 5);
  expect(found.spread).toBeCloseTo(oracle.numbers(`collapse/${name}/spread`)[0], 6);
});

test('one embedding for all images: spread 0, rank 1', async () => {
  const values = Float32Array.from({ length: 40 * 6 }, (_, i) => (i % 6) + 1);
  const { spread: s, rank } = await collapse({ count: 40, width: 6, values }, 1);
  expect(s).toBeLessThan(1e-6);
  expect(rank).toBeCloseTo(1, 5);
});

test('evenly on the sphere: spread 1, rank near the width', async () => {
  const random = new Random(0, 'sphere');
  const values = Float32Array.from({ length: 4000 * 16 }, () => random.normal());
  const { spread: s, rank } = await collapse({ count: 4000, width: 16, values }, 1);
  expect(s).toBeCloseTo(1, 1);
  expect(rank).toBeGreaterThan(15.9);
  expect(spread({ count: 4000, width: 16, values: values.map((x) => 5 * x) })).toBeCloseTo(s, 6);
});

test('the rank of equal singular values is their number, of nothing zero', () => {
  expect(effectiveRank(Float64Array.of(3, 3, 3, 0))).toBeCloseTo(3, 12);
  expect(effectiveRank(new Float64Array(3))).toBe(0);
});
