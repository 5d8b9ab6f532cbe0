/** Curves of training runs: measurements gathered in bins of steps, several runs and several series in one chart. */
import { maxOf, minOf } from '../base/lists';
import { mean } from '../base/statistics';
import { colour, seriesColour } from './theme';
import type { TopLevelSpec } from './vega';

/** What was measured at a step: any of a run's metrics. */
export type Measurement = Readonly<Record<string, number>> & { readonly step: number };

/** One point of a curve: steps that lie beside one another. */
export interface Bin {
  /** the middle of its steps */
  readonly step: number;
  readonly mean: number;
  readonly low: number;
  readonly high: number;
}

/** `key` of `lines` in at most `count` bins of equally many lines; values that are absent or not finite are left out. */
export function bins(lines: readonly Measurement[], key: string, count = Infinity): Bin[] {
  const points = lines.filter((line) => Number.isFinite(line[key]));
  const used = Math.min(count, points.length);
  return Array.from({ length: used }, (_, i) => {
    const from = Math.floor((i * points.length) / used);
    const some = points.slice(from, Math.floor(((i + 1) * points.length) / used));
    const values = some.map((line) => line[key]);
    return {
      step: (some[0].step + some[some.length - 1].step) / 2,
      mean: mean(values),
      low: minOf(values),
      high: maxOf(values),
    };
  });
}

/** Bins for so many lines: ten lines a bin smooth what batches scatter, and fewer than thirty bins make no curve. */
export const binCount = (lines: number) => Math.max(30, Math.min(80, Math.floor(lines / 10)));

/** A run as a curve: its name in the legend, and its measurements. */
export interface CurveRun {
  readonly name: string;
  readonly lines: readonly Measurement[];
}

export interface Series {
  readonly key: string;
  /** in the legend, where there are several series */
  readonly label: string;
}

export interface CurveSettings {
  readonly title: string;
  /** the first with full lines, the others dashed */
  readonly series: readonly Series[];
  /** d3 format of the vertical axis */
  readonly format: string;
  readonly chance?: number;
  /** draw from zero */
  readonly zero?: boolean;
  /** follows from the recipe, without noise: may be the same in several runs, whose lines then take turns */
  readonly planned?: boolean;
}

/** Series with so few points were measured now and then: each point is shown. */
const FEW = 30;
const DASHES: readonly (readonly number[])[] = [[], [6, 4], [2, 3]];

/** Means would blunt the corners of a curve without noise. */
const PLANNED_POINTS = 400;

/** Dashes of run `i` of `count` whose lines may coincide: drawn in their order, each shows in an equal part of the way. */
const turn = (i: number, count: number) => (i === 0 ? [] : [5 * (count - i), 5 * i]);

/** Means as lines over bands from the least to the largest value; a line at chance. A colour is a run. */
export function curveSpec(runs: readonly CurveRun[], settings: CurveSettings): TopLevelSpec {
  const { title, format, chance, zero = false, planned = false } = settings;
  const values = runs.flatMap(({ name, lines }) =>
    settings.series.flatMap(({ key, label }) => {
      const found = bins(lines, key, planned ? PLANNED_POINTS : binCount(lines.length));
      return found.map((bin) => ({ run: name, series: label, few: found.length < FEW, ...bin }));
    }),
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
  const y = { field: 'mean', type: 'quantitative' as const, scale, axis };
  const labels = settings.series
    .map(({ label }) => label)
    .filter((label) => values.some(({ series }) => series === label));
  const strokeDash = planned
    ? {
        field: 'run',
        type: 'nominal' as const,
        scale: { domain: names, range: names.map((_, i) => turn(i, names.length)) },
        legend: null,
      }
    : {
        field: 'series',
        type: 'nominal' as const,
        scale: { domain: labels, range: labels.map((_, i) => DASHES[i % DASHES.length]) },
        legend: settings.series.length > 1 ? LEGEND : null,
      };
  const band = {
    transform: [{ filter: 'datum.high > datum.low' }],
    mark: { type: 'area' as const, opacity: 0.13 },
    encoding: {
      x,
      y: { ...y, field: 'low' },
      y2: { field: 'high' },
      color,
      detail: { field: 'series', type: 'nominal' as const },
    },
  };
  const line = { mark: { type: 'line' as const, strokeWidth: 2 }, encoding: { x, y, color, strokeDash } };
  const points = {
    transform: [{ filter: 'datum.few' }],
    mark: { type: 'point' as const, filled: true, size: 28, opacity: 1 },
    encoding: { x, y, color },
  };
  return {
    width: 500,
    height: 260,
    autosize: { type: 'fit', contains: 'padding' },
    title,
    description: `${title} by step of ${names.join(', ')}`,
    data: { values },
    layer: [...(planned ? [] : [band]), line, points, ...(chance === undefined ? [] : [chanceRule(chance)])],
  };
}

const LEGEND = {
  title: null,
  orient: 'top' as const,
  symbolType: 'stroke' as const,
  symbolSize: 500,
  symbolStrokeColor: colour('muted'),
};

function chanceRule(chance: number) {
  return {
    data: { values: [{ chance, label: `chance ${(100 * chance).toFixed(chance < 0.1 ? 1 : 0)} %` }] },
    encoding: { y: { field: 'chance', type: 'quantitative' as const } },
    layer: [
      { mark: { type: 'rule' as const, strokeDash: [1, 3], color: colour('muted') } },
      {
        mark: {
          type: 'text' as const,
          align: 'right' as const,
          x: 'width' as const,
          // Above it lie the curves, but a chance near zero lies on the axis.
          dy: chance < 0.08 ? -7 : 10,
          color: colour('muted'),
          fontSize: 11,
        },
        encoding: { text: { field: 'label', type: 'nominal' as const } },
      },
    ],
  };
}
