import fc from 'fast-check';
import { recipeSchema } from '../../src/bundle/recipe';
import { averageDecay, learningRate } from '../../src/bundle/schedule';

const schedule = (given: object) => recipeSchema.parse({ task: 'pretrain', schedule: given }).schedule;

test('cosine: linear to the peak, then half a cosine to nearly 0', () => {
  const s = schedule({ peak: 0.4, warmupSteps: 4 });
  expect([0, 1, 2, 3, 4].map((step) => learningRate(s, step, 104))).toEqual([
    0.1,
    0.2,
    expect.closeTo(0.3),
    0.4,
    0.4,
  ]);
  expect(learningRate(s, 54, 104)).toBeCloseTo(0.2, 12);
  expect(learningRate(s, 103, 104)).toBeCloseTo(0.2 * (1 + Math.cos(0.99 * Math.PI)), 12);
});

test('step: times the factor from each milestone on', () => {
  const s = schedule({ kind: 'step', peak: 1, warmupSteps: 0, milestones: [0.5, 0.75], factor: 0.1 });
  expect([0, 49, 50, 74, 75, 99].map((step) => learningRate(s, step, 100))).toEqual([
    ...[1, 1, 0.1, 0.1].map((rate) => expect.closeTo(rate, 12) as number),
    ...[0.01, 0.01].map((rate) => expect.closeTo(rate, 12) as number),
  ]);
});

test('constant, and a warm-up that takes no more than a tenth of a short run', () => {
  const s = schedule({ kind: 'constant', peak: 0.3, warmupSteps: 1000 });
  expect([0, 1, 2, 19].map((step) => learningRate(s, step, 20))).toEqual([0.15, 0.3, 0.3, 0.3]);
});

test('never above the peak, never negative', () => {
  fc.assert(
    fc.property(
      fc.constantFrom('cosine', 'step', 'constant'),
      fc.integer({ min: 1, max: 500 }),
      fc.integer({ min: 0, max: 600 }),
      fc.nat(),
      (kind, total, warmupSteps, n) => {
        const rate = learningRate(schedule({ kind, peak: 2, warmupSteps }), n % total, total);
        return rate >= 0 && rate <= 2;
      },
    ),
  );
});

test('the moving average is one over what there is, until its decay is reached', () => {
  expect([0, 1, 8, 90, 10_000].map((step) => averageDecay(0.9, step))).toEqual([
    0.1,
    expect.closeTo(2 / 11),
    0.5,
    0.9,
    0.9,
  ]);
});
