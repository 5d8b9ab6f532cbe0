/** The map of embeddings. */
import { renderChart } from '../../src/draw/vega';
import { mapSpec } from '../../src/report/embeddingMap';

test('the map tells ten classes apart and names the rest together', async () => {
  const labels = Int32Array.from({ length: 24 }, (_, i) => i % 12);
  const coordinates = Float64Array.from({ length: 48 }, (_, i) => Math.sin(i));
  const svg = await renderChart(mapSpec(coordinates, [0.5, 0.25], labels, null));
  expect(svg).toContain('other classes');
  expect(svg).toContain('component 2 (25.0 % of the variance)');
  const unlabelled = await renderChart(mapSpec(coordinates, [0.5, 0.25], null, null));
  expect(unlabelled).not.toContain('role-legend');
});
