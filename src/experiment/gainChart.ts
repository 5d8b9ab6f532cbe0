/** The gain of pretraining over the part of the labels, with its interval: one chart for each data set. */
import { colour } from '../draw/theme';
import { renderChart, type TopLevelSpec } from '../draw/vega';

export interface GainPoint {
  readonly method: string;
  /** `5%`, in the order they are to be shown */
  readonly labels: string;
  readonly gain: number;
  /** NaN where there is none */
  readonly low: number;
  readonly high: number;
}

/** As SVG. */
export function gainChart(title: string, points: readonly GainPoint[]): Promise<string> {
  const order = [...new Set(points.map(({ labels }) => labels))];
  const x = {
    field: 'labels',
    type: 'ordinal' as const,
    sort: order,
    title: 'labels',
    axis: { labelAngle: 0 },
  };
  const offset = { field: 'method', type: 'nominal' as const };
  const color = {
    field: 'method',
    type: 'nominal' as const,
    title: null,
    legend: { orient: 'top' as const },
  };
  const spec: TopLevelSpec = {
    title,
    width: 90 * Math.max(3, order.length),
    height: 240,
    data: { values: points.map((point) => ({ ...point })) },
    layer: [
      { mark: { type: 'rule', color: colour('muted') }, encoding: { y: { datum: 0 } } },
      {
        transform: [{ filter: 'isValid(datum.low)' }],
        mark: { type: 'rule', strokeWidth: 2 },
        encoding: {
          x,
          xOffset: offset,
          color,
          y: { field: 'low', type: 'quantitative', title: 'gain in test accuracy, points' },
          y2: { field: 'high' },
        },
      },
      {
        mark: { type: 'point', filled: true, size: 70 },
        encoding: { x, xOffset: offset, color, y: { field: 'gain', type: 'quantitative' } },
      },
    ],
  };
  return renderChart(spec);
}
