/** The map of embeddings: two principal components, a colour and a shape for each class. */
import { colour, SERIES_COUNT, seriesColour } from '../draw/theme';
import type { TopLevelSpec } from '../draw/vega';

const SHAPES = ['circle', 'square', 'triangle-up', 'diamond', 'cross', 'triangle-down'];
const OTHER = 'other classes';

/**
 * `coordinates` [rows, 2]; `labels` and `names` null where the data has none. The classes with most rows are told apart,
 * ten at most.
 */
export function mapSpec(
  coordinates: Float64Array,
  explained: readonly number[],
  labels: Int32Array | null,
  names: readonly string[] | null,
): TopLevelSpec {
  const sizes = new Map<number, number>();
  labels?.forEach((label) => sizes.set(label, (sizes.get(label) ?? 0) + 1));
  const shown = [...sizes.entries()]
    .sort((a, b) => b[1] - a[1] || a[0] - b[0])
    .slice(0, SERIES_COUNT)
    .map(([label]) => label)
    .sort((a, b) => a - b);
  const nameOf = (label: number) => names?.[label] ?? String(label);
  const classOf = (i: number) =>
    labels === null ? 'images' : shown.includes(labels[i]) ? nameOf(labels[i]) : OTHER;
  const values = Array.from({ length: coordinates.length / 2 }, (_, i) => ({
    x: coordinates[2 * i],
    y: coordinates[2 * i + 1],
    class: classOf(i),
  }));
  const domain = labels === null ? ['images'] : shown.map(nameOf);
  const range = domain.map((_, i) => seriesColour(i));
  const shapes = domain.map((_, i) => SHAPES[i % SHAPES.length]);
  if (sizes.size > shown.length) {
    domain.push(OTHER);
    range.push(colour('hidden'));
    shapes.push('circle');
  }
  const legend = labels === null ? null : { title: null, orient: 'right' as const };
  const axis = (component: number) => ({
    title: `component ${component + 1} (${(100 * explained[component]).toFixed(1)} % of the variance)`,
    labels: false,
    ticks: false,
    domain: false,
    tickCount: 6,
  });
  return {
    width: 560,
    height: 440,
    description: 'Embeddings of images on their first two principal components, by class',
    data: { values },
    mark: { type: 'point', filled: true, size: 28, opacity: 0.75 },
    encoding: {
      x: { field: 'x', type: 'quantitative', scale: { zero: false }, axis: axis(0) },
      y: { field: 'y', type: 'quantitative', scale: { zero: false }, axis: axis(1) },
      color: { field: 'class', type: 'nominal', scale: { domain, range }, legend },
      shape: { field: 'class', type: 'nominal', scale: { domain, range: shapes }, legend },
    },
  };
}
