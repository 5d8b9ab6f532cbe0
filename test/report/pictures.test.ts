/** The pure parts of pictures: patches, principal components, neighbours, confusions, charts. */
import { confusionMatrix, confusionSpec, mistakes, mostConfused } from '../../src/report/confusion';
import { mapSpec } from '../../src/report/embeddingMap';
import { nearestRows, neighbourAgreement, unitRows } from '../../src/tensors/rows';
import { corner, isRight, patchPixels, patchTask, pickedPixels, visiblePixels } from '../../src/draw/patches';
import { patchPicture } from '../../src/draw/patchPicture';
import { pixelsUri } from '../../src/draw/png';
import { principalComponents } from '../../src/draw/pca';
import { svgToPng } from '../../src/draw/png';
import { standalone } from '../../src/draw/theme';
import { renderChart } from '../../src/draw/vega';

/** 4 x 4 pixels in 2 x 2 patches, gray; places 1 and 2 hidden; both queries pick candidate 0, the patch of place 1. */
const task = patchTask({
  ...{ size: 4, channels: 1, patch: 2 },
  image: Uint8Array.from({ length: 16 }, (_, i) => i),
  order: [0, 3, 1, 2],
  logits: Float32Array.of(Math.log(3), 0, 1, 0),
});

test('a patch task: scores, picks, and the three images', () => {
  expect(task.hidden).toEqual([1, 2]);
  expect(task.scores[0]).toBeCloseTo(0.75, 6);
  expect(task.scores[2] + task.scores[3]).toBeCloseTo(1, 6);
  expect(task.picked).toEqual([0, 0]);
  expect([isRight(task, 0), isRight(task, 1)]).toEqual([true, false]);
  expect(corner(task, 2)).toEqual({ x: 0, y: 2 });
  expect(Array.from(patchPixels(task, 1))).toEqual([2, 3, 6, 7]);
  expect(Array.from(visiblePixels(task))).toEqual([
    ...[0, 1, 128, 128],
    ...[4, 5, 128, 128],
    ...[128, 128, 10, 11],
    ...[128, 128, 14, 15],
  ]);
  expect(Array.from(pickedPixels(task))).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 2, 3, 10, 11, 6, 7, 14, 15]);
});

test('its picture marks one right and one wrong, and becomes a PNG', async () => {
  const svg = await patchPicture(task, 'a & b', pixelsUri);
  expect(svg.match(/✓/g)).toHaveLength(1);
  expect(svg.match(/✗/g)).toHaveLength(1);
  expect(svg).toContain('picked: 1 of 2 right');
  expect(svg).toContain('a &amp; b');
  const png = await svgToPng(standalone(svg));
  expect(png.subarray(1, 4).toString()).toBe('PNG');
  const [, width] = /viewBox="0 0 (\d+)/.exec(svg) ?? [];
  expect(png.readUInt32BE(16)).toBe(2 * (Number(width) + 28));
});

test('the score of every cell is written and said, also where many patches are hidden', async () => {
  const hidden = 12;
  const many = patchTask({
    ...{ size: 8, channels: 1, patch: 2 },
    image: new Uint8Array(64),
    order: Array.from({ length: 16 }, (_, i) => i),
    logits: Float32Array.from({ length: hidden ** 2 }, (_, i) => (i === 1 ? Math.log(33) : 0)),
  });
  const svg = await patchPicture(many, 'many', pixelsUri);
  expect(svg).toContain('<title>place 1, patch of place 2: 75.0 %</title>');
  expect(svg.match(/<title>/g)).toHaveLength(hidden ** 2);
  expect(svg.match(/>75<\/text>/g)).toHaveLength(1);
  expect(svg.match(/>8<\/text>/g)).toHaveLength(11 * hidden + 2);
});

const rowsOf = (width: number, numbers: readonly number[]) => ({
  count: numbers.length / width,
  width,
  values: Float32Array.from(numbers),
});

test('principal components of points on two orthogonal directions', () => {
  // (3 cos t) along [0.6, 0.8, 0] and (cos 2t) along [0, 0, 1], around a mean far from zero
  const n = 64;
  const points = Array.from({ length: n }, (_, i) => {
    const t = (2 * Math.PI * i) / n;
    return [5 + 0.6 * 3 * Math.cos(t), -2 + 0.8 * 3 * Math.cos(t), 1 + Math.cos(2 * t)];
  });
  const { coordinates, explained } = principalComponents(rowsOf(3, points.flat()), 2);
  expect(explained[0]).toBeCloseTo(0.9, 5);
  expect(explained[1]).toBeCloseTo(0.1, 5);
  for (let i = 0; i < n; i++) {
    const t = (2 * Math.PI * i) / n;
    expect(coordinates[2 * i]).toBeCloseTo(3 * Math.cos(t), 3);
    expect(coordinates[2 * i + 1]).toBeCloseTo(Math.cos(2 * t), 3);
  }
});

test('principal components of equal points are all zero', () => {
  const { coordinates, explained } = principalComponents(rowsOf(3, Array<number>(12).fill(2)), 2);
  expect(Array.from(coordinates)).toEqual(Array(8).fill(0));
  expect(explained).toEqual([0, 0]);
});

test('neighbours by cosine, and how often they agree', () => {
  const units = unitRows(rowsOf(2, [2, 0, 3, 0.1, 0, 5, 0.1, 1]));
  expect(nearestRows(units, 0, 2).map(({ index }) => index)).toEqual([1, 3]);
  expect(neighbourAgreement(units, Int32Array.of(0, 0, 1, 0))).toEqual({ accuracy: 0.5, chance: 0.5 });
});

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

test('the map tells ten classes apart and names the rest together', async () => {
  const labels = Int32Array.from({ length: 24 }, (_, i) => i % 12);
  const coordinates = Float64Array.from({ length: 48 }, (_, i) => Math.sin(i));
  const svg = await renderChart(mapSpec(coordinates, [0.5, 0.25], labels, null));
  expect(svg).toContain('other classes');
  expect(svg).toContain('component 2 (25.0 % of the variance)');
  const unlabelled = await renderChart(mapSpec(coordinates, [0.5, 0.25], null, null));
  expect(unlabelled).not.toContain('role-legend');
});
