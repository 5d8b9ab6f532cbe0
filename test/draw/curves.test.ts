/** Curves of runs: their bins, their lines, and which charts there are. */
import { chartsOf } from '../../src/report/charts';
import { binCount, bins, curveSpec, type CurveRun } from '../../src/draw/curves';
import { measurements } from '../../src/report/runView';
import { standalone } from '../../src/draw/theme';
import { renderChart } from '../../src/draw/vega';
import type { StepMetrics } from '../../src/run/metricsLog';

const metrics = (step: number, loss: number): StepMetrics => ({
  step,
  epoch: 0,
  loss,
  accuracy: loss / 10,
  learning_rate: 0.1,
  images_per_second: 100,
  data_wait: 0,
  elapsed_seconds: step,
});
const many = (name: string, shift = 0): CurveRun => ({
  name,
  lines: Array.from({ length: 400 }, (_, i) => metrics(i + 1, 1 + Math.sin(i + shift))),
});
const accuracy = { title: 'Accuracy', format: '~%', series: [{ key: 'accuracy', label: 'training' }] };

const lineTags = (svg: string) => svg.match(/<path[^>]*aria-roledescription="line mark"[^>]*>/g) ?? [];
const dashes = (svg: string) =>
  lineTags(svg).map((tag) => /stroke-dasharray="([^"]+)"/.exec(tag)?.[1] ?? 'none');

test('bins hold every line once: middle step, mean, least and largest value', () => {
  const lines = [4, 2, 6, 8, 1].map((loss, i) => metrics(i + 1, loss));
  expect(bins(lines, 'loss', 2)).toEqual([
    { step: 1.5, mean: 3, low: 2, high: 4 },
    { step: 4, mean: 5, low: 1, high: 8 },
  ]);
  expect(bins(lines, 'loss')).toHaveLength(5);
  expect(bins(lines, 'gradient_norm', 9)).toEqual([]);
});

test('bins hold ten steps where the run has enough of them', () => {
  expect([6, 300, 500, 800, 30_000].map(binCount)).toEqual([30, 30, 50, 80, 80]);
});

test('a chart of two runs has a line and a band for each, and chance', async () => {
  const svg = await renderChart(curveSpec([many('a<b'), many('c', 1)], { ...accuracy, chance: 0.25 }));
  expect(dashes(svg)).toEqual(['none', 'none']);
  expect(svg.match(/<path[^>]*aria-roledescription="area mark"/g)).toHaveLength(2);
  expect(svg).toContain('chance 25 %');
  expect(svg).toContain('var(--series2)');
  expect(svg).not.toContain('role-legend');
  expect(standalone(svg)).not.toContain('var(');
});

test('validation is a dashed line with a dot for each measurement, also where there is only one', async () => {
  const validation = (steps: number[]) =>
    steps.map((step) => ({ step, count: 9, loss: 1, accuracy: 0.5, top5: null }));
  const run = (name: string, steps: number[]) => ({
    name,
    lines: measurements(many(name).lines as StepMetrics[], validation(steps)),
  });
  const series = [...accuracy.series, { key: 'validation_accuracy', label: 'validation' }];
  const svg = await renderChart(
    curveSpec([run('a', [200, 300, 400]), run('b', [400])], { ...accuracy, series }),
  );
  expect(dashes(svg).sort()).toEqual(['6,4', '6,4', 'none', 'none']);
  expect(svg.match(/<path[^>]*aria-roledescription="point"/g)).toHaveLength(4);
  expect(svg).toContain('role-legend');
  expect(svg).toContain('>validation<');
});

test('learning rates that coincide take turns: each run has its part of the way', async () => {
  const series = [{ key: 'learning_rate', label: '' }];
  const settings = { title: 'Learning rate', format: '~g', series, planned: true };
  const svg = await renderChart(curveSpec([many('a'), many('b'), many('c')], settings));
  expect(dashes(svg)).toEqual(['none', '10,5', '5,10']);
  expect(svg).not.toContain('area mark');
});

test('there is a chart for every metric that some run has, and none without data', () => {
  const lines = [{ ...metrics(1, 1), gradient_norm: 3 }, metrics(2, 1)];
  const names = (run: CurveRun) => chartsOf([run]).map(({ name }) => name);
  const plain = ['loss', 'accuracy', 'learning-rate', 'images-per-second', 'data-wait', 'gradient-norm'];
  expect(names({ name: 'a', lines })).toEqual(plain);
  const probed = { ...metrics(3, 1), knn_accuracy: 0.5, embedding_spread: 0.5, embedding_rank: 9 };
  const consistent = { ...probed, supervised_loss: 1, consistency_loss: 0, confident: 0.5, skipped: 0 };
  const found = names({ name: 'a', lines: [consistent] });
  for (const name of ['probes', 'embedding-spread', 'embedding-rank', 'loss-parts', 'confident'])
    expect(found).toContain(name);
  expect(found).not.toContain('skipped');
  expect(found).not.toContain('top5');
});
