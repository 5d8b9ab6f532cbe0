/** Curves of training runs: metrics gathered in bins of steps, several runs in one chart. */
import type { StepMetrics } from '../training/metricsLog';
import { colour, seriesColour } from './theme';
import type { TopLevelSpec } from './vega';

/** One point of a curve: steps that lie beside one another. */
export interface Bin {
  /** the last of its steps */
  readonly step: number;
  readonly mean: number;
  readonly low: number;
  readonly high: number;
}

/** `key` of `lines` in at most `count` bins of equally many lines; values that are absent or not finite are left out. */
export function bins(lines: readonly StepMetrics[], key: string, count: number): Bin[] {
  const points = lines.filter((line) => Number.isFinite(line[key]));
  const used = Math.min(count, points.length);
  return Array.from({ length: used }, (_, i) => {
    const from = Math.floor((i * points.length) / used);
    const some = points.slice(from, Math.floor(((i + 1) * points.length) / used));
    const values = some.map((line) => line[key]);
    return {
      step: some[some.length - 1].step,
      mean: mean(values),
      low: Math.min(...values),
      high: Math.max(...values),
    };
  });
}

export const mean = (values: readonly number[]) =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/** A run as a curve: its name in the legend, and its metrics. */
export interface CurveRun {
  readonly name: string;
  readonly lines: readonly StepMetrics[];
}

export interface CurveSettings {
  readonly key: string;
  readonly title: string;
  /** d3 format of the vertical axis */
  readonly format: string;
  readonly chance?: number;
  /** draw from zero */
  readonly zero?: boolean;
}

export const CURVES: readonly CurveSettings[] = [
  { key: 'loss', title: 'Loss', format: '~g' },
  { key: 'accuracy', title: 'Accuracy on training batches', format: '~%', zero: true },
  { key: 'learning_rate', title: 'Learning rate', format: '~g', zero: true },
  { key: 'images_per_second', title: 'Images a second', format: ',.3~r', zero: true },
  { key: 'data_wait', title: 'Time spent waiting for data', format: '~%', zero: true },
];

const BINS = 160;

/** Means as lines over bands from the least to the largest value; a dashed line at chance. */
export function curveSpec(
  runs: readonly CurveRun[],
  { key, title, format, chance, zero = false }: CurveSettings,
): TopLevelSpec {
  const values = runs.flatMap(({ name, lines }) =>
    bins(lines, key, BINS).map((bin) => ({ run: name, ...bin })),
  );
  const names = runs.map(({ name }) => name);
  const color = {
    field: 'run',
    type: 'nominal' as const,
    scale: { domain: names, range: names.map((_, i) => seriesColour(i)) },
    legend: null,
  };
  const scale = zero && values.every(({ high }) => high <= 0) ? { domain: [0, 1] } : { zero, nice: true };
  const x = {
    field: 'step',
    type: 'quantitative' as const,
    title: 'step',
    axis: { grid: false, tickCount: 6, format: ',d' },
    scale: { nice: false, domainMin: 0 },
  };
  const axis = { format, tickCount: 5, title: null };
  const band =
    key === 'learning_rate'
      ? []
      : [
          {
            mark: { type: 'area' as const, opacity: 0.15 },
            encoding: {
              x,
              y: { field: 'low', type: 'quantitative' as const, scale, axis },
              y2: { field: 'high' },
              color,
            },
          },
        ];
  const atChance =
    chance === undefined
      ? []
      : [
          {
            data: { values: [{ chance, label: `chance ${(100 * chance).toFixed(chance < 0.1 ? 1 : 0)} %` }] },
            encoding: { y: { field: 'chance', type: 'quantitative' as const } },
            layer: [
              { mark: { type: 'rule' as const, strokeDash: [5, 4], color: colour('muted') } },
              {
                mark: {
                  type: 'text' as const,
                  align: 'right' as const,
                  x: 'width' as const,
                  dy: -7,
                  color: colour('muted'),
                  fontSize: 11,
                },
                encoding: { text: { field: 'label', type: 'nominal' as const } },
              },
            ],
          },
        ];
  return {
    width: 500,
    height: 260,
    autosize: { type: 'fit', contains: 'padding' },
    title,
    description: `${title} by step of ${names.join(', ')}`,
    data: { values },
    layer: [
      ...band,
      {
        mark: { type: 'line', strokeWidth: 2, interpolate: 'linear' },
        encoding: { x, y: { field: 'mean', type: 'quantitative', scale, axis }, color },
      },
      ...atChance,
    ],
  };
}
