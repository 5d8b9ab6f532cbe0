/** From cells to tables: estimates, gains by seed, the paper's cells, and the experiments that come with the package. */
import fc from 'fast-check';
import { experiments } from '../../graphs/experiments';
import { loadRecipe } from '../../graphs/recipes/load';
import type { Cell } from '../../src/experiment/grid';
import { parseExperiment, smokeOf } from '../../src/experiment/schema';
import { mean, deviation, estimate } from '../../src/base/statistics';
import { explanation, formatTable, gains, markdownTable, tables } from '../../src/experiment/table';
import { gainChart } from '../../src/experiment/gainChart';
import { userErrorOf } from '../support/userError';

const learned = { recipe: 'cifar10-mini-finetune', learningRates: [0.1] };
const given = {
  title: 'two methods',
  baseline: 'supervised',
  seeds: [0, 1, 2],
  dataSets: {
    cifar10: {
      pretrain: { recipe: 'cifar10-mini-pretrain' },
      methods: { supervised: learned, selfie: { ...learned, pretrained: true } },
      labels: [{ labels: '1%' }, { labels: '5%' }],
      paper: [
        { labels: '5%', method: 'supervised', mean: 75.9, deviation: 0.7, certainty: 'recalled' as const },
        { labels: '5%', method: 'selfie', mean: 75.9, deviation: 0.4, certainty: 'recalled' as const },
      ],
    },
  },
};
const experiment = parseExperiment(given, 'test');

const cell = (labels: string, method: string, accuracies: number[]): Cell => ({
  dataSet: 'cifar10',
  labels,
  method,
  learningRate: 0.1,
  tried: [],
  seeds: accuracies.map((_, i) => i),
  accuracies,
  losses: accuracies.map(() => 1),
});
const cells = [
  cell('1%', 'supervised', [0.38, 0.4, 0.39]),
  cell('1%', 'selfie', [0.41, 0.42, 0.43]),
  cell('5%', 'supervised', [0.5, 0.52, 0.51]),
  cell('5%', 'selfie', [0.5, 0.52, 0.5]),
];

test('mean, sample deviation and 95 % interval of a few values', () => {
  // scipy.stats.t.interval(0.95, 2, loc=2, scale=scipy.stats.sem([1, 2, 3])) = (-0.48414, 4.48414)
  const { mean: middle, deviation: spread, interval } = estimate([1, 2, 3]);
  expect([middle, spread]).toEqual([2, 1]);
  expect(interval?.[0]).toBeCloseTo(-0.484, 3);
  expect(interval?.[1]).toBeCloseTo(4.484, 3);
  expect(estimate([5])).toEqual({ mean: 5, deviation: NaN, interval: null, count: 1 });
});

test('an interval lies around the mean, and equal values have no width', () => {
  const number = fc.double({ min: -100, max: 100, noNaN: true });
  fc.assert(
    fc.property(fc.array(number, { minLength: 2, maxLength: 40 }), number, (values, shift) => {
      const { interval } = estimate(values);
      const moved = deviation(values.map((x) => x + shift));
      return (
        interval !== null &&
        interval[0] <= mean(values) &&
        mean(values) <= interval[1] &&
        Math.abs(moved - deviation(values)) < 1e-9
      );
    }),
  );
  expect(estimate([0.5, 0.5, 0.5]).interval).toEqual([0.5, 0.5]);
});

test('gains are differences seed by seed', () => {
  const [first, second] = gains(cells, experiment);
  expect(first).toMatchObject({ labels: '1%', method: 'selfie', gain: { count: 3 } });
  expect(first.gain.mean).toBeCloseTo(3, 10);
  // differences 3, 2, 4
  expect(first.gain.deviation).toBeCloseTo(1, 10);
  expect(second.gain.mean).toBeCloseTo(-1 / 3, 10);
});

test('the table has a row for each number of labels, and the paper with its certainty', () => {
  const [table] = tables(cells, experiment);
  expect(formatTable(table)).toEqual([
    'cifar10',
    'labels  supervised      selfie          gain of selfie       the paper',
    '─'.repeat(96),
    '1%      39.0 ± 1.0 (3)  42.0 ± 1.0 (3)  +3.0 (+0.5 to +5.5)  -',
    '5%      51.0 ± 1.0 (3)  50.7 ± 1.2 (3)  -0.3 (-1.8 to +1.1)  75.9 ± 0.7 -> 75.9 ± 0.4 (recalled)',
  ]);
  expect(markdownTable(table)[4]).toBe('| 1% | 39.0 ± 1.0 (3) | 42.0 ± 1.0 (3) | +3.0 (+0.5 to +5.5) | - |');
  expect(explanation(experiment)).toMatch(/chosen on 10% of the training images/);
});

test('the chart has a mark and an interval for each gain', async () => {
  const points = gains(cells, experiment).map(({ method, labels, gain }) => {
    const [low, high] = gain.interval ?? [NaN, NaN];
    return { method, labels, gain: gain.mean, low, high };
  });
  const svg = await gainChart('cifar10', points);
  expect(svg).toMatch(/^<svg/);
  expect(svg.match(/aria-roledescription="point"/g)).toHaveLength(2);
});

test('what is wrong with a file is said in one line', () => {
  expect(userErrorOf(() => parseExperiment({ ...given, baseline: 'none' }, 'experiment x'))).toBe(
    'experiment x: dataSets.cifar10.methods has no none, which is the baseline (it has supervised, selfie)',
  );
  expect(userErrorOf(() => parseExperiment({ ...given, sedes: [1] }, 'experiment x'))).toMatch(
    /^experiment x: .*"sedes"/,
  );
});

test.each([...experiments])(
  '%s is valid, and so are its recipes, whole and as a smoke test',
  (_name, input) => {
    const whole = parseExperiment(input, 'experiment');
    const smoke = smokeOf(whole);
    expect(smoke.images).toBe(500);
    for (const { dataSets } of [whole, smoke]) {
      for (const { pretrain, methods, labels, paper } of Object.values(dataSets)) {
        for (const { recipe, set } of [pretrain, ...Object.values(methods)]) {
          const sets = Object.entries(set).map(([key, value]) => `${key}=${JSON.stringify(value)}`);
          expect(loadRecipe(recipe, sets).recipe.task).toMatch(/pretrain|finetune/);
        }
        for (const quoted of paper) {
          expect(Object.keys(methods)).toContain(quoted.method);
          if (dataSets === whole.dataSets)
            expect(labels.map((fraction) => fraction.labels)).toContain(quoted.labels);
        }
      }
    }
  },
);
