/** The confusion matrix: counts, mistakes, and which classes a chart shows. */
import { renderChart } from '../../src/draw/vega';
import { confusionMatrix, confusionSpec, mistakes, mostConfused } from '../../src/report/confusion';

test('confusions: counts, the most frequent mistakes, and a readable chart', async () => {
  const counts = confusionMatrix(Int32Array.of(0, 0, 0, 1, 2, 2), Int32Array.of(0, 1, 1, 1, 0, 2), 3);
  expect(Array.from(counts)).toEqual([1, 2, 0, 0, 1, 0, 1, 0, 1]);
  expect(mistakes(counts, 3)).toEqual([
    { truth: 0, predicted: 1, count: 2, fraction: 2 / 3 },
    { truth: 2, predicted: 0, count: 1, fraction: 0.5 },
  ]);
  const svg = await renderChart(confusionSpec(counts, ['cat', 'dog', 'cow']));
  expect(svg).toContain('>67<');
  expect(svg).toContain('>cow<');
});

test('of many classes the matrix shows those with most mistakes, in percent of the whole class', async () => {
  const classes = 50;
  const counts = new Int32Array(classes ** 2);
  for (let i = 0; i < classes; i++) counts[i * classes + i] = 6;
  // classes 20 to 49 are wrong: each is taken for the next, and 49 for 20
  for (let i = 20; i < 49; i++) counts[i * classes + i + 1] = 2;
  counts[49 * classes + 20] = 2;
  const shown = mostConfused(counts, classes);
  expect(shown).toEqual(Array.from({ length: 30 }, (_, i) => i + 20));
  expect(mostConfused(counts.subarray(0, 1600), 40)).toHaveLength(40);
  const names = Array.from({ length: classes }, (_, i) => `class${i}`);
  const svg = await renderChart(confusionSpec(counts, names, shown));
  expect(svg).toContain('>class20<');
  expect(svg).not.toContain('>class19<');
  expect(svg.match(/>25</g)).toHaveLength(30);
  expect(svg.match(/>75</g)).toHaveLength(30);
});
