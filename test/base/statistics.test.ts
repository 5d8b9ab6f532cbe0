/** Confidence intervals against scipy, and what correlated answers are worth. */
import { effectiveTrials, wilson } from '../../src/base/statistics';
import { distance, oracle } from '../evaluation/oracle';

test('Wilson’s interval is scipy’s', () => {
  const cases = oracle.numbers('wilson/cases');
  const found = Array.from({ length: cases.length / 2 }, (_, i) =>
    wilson(cases[2 * i] / cases[2 * i + 1], cases[2 * i + 1]),
  );
  expect(distance(found.flat(), oracle.numbers('wilson/bounds'))).toBeLessThan(1e-12);
});

test('answers about one image that always agree are worth one, independent ones what they are', () => {
  expect(effectiveTrials([0, 1, 1, 0, 1, 0], 4)).toBeCloseTo(6, 9);
  // two coins an image: 0, 1/2, 1/2, 1
  expect(effectiveTrials([0, 0.5, 0.5, 1], 2)).toBeCloseTo(8, 9);
  expect(effectiveTrials([1, 1, 1], 4)).toBe(3);
});
