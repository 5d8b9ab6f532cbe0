/** The curves of a running job as plots of characters, for whatever it measures. */
import { braillePlot, rangeOf, resample } from '../draw/braille';
import type { Measurement } from '../draw/curves';
import { percent } from '../draw/theme';

const AXIS = 9;
const LEAST_ROWS = 4;
const MOST_ROWS = 8;

interface Curve {
  readonly key: string;
  readonly title: string;
  readonly code: string;
  readonly show: (value: number) => string;
  readonly zero?: boolean;
}

const accuracy = (key: string, title: string, code: string): Curve => ({
  key,
  title,
  code,
  show: (x) => percent(x, 0),
});

/** The first stand as long as there is room. */
const curves = (chance: number): Curve[] => [
  { key: 'loss', title: 'loss', code: '34', show: (x) => x.toPrecision(3) },
  { ...accuracy('accuracy', `accuracy (chance ${percent(chance)})`, '32'), zero: true },
  accuracy('knn_accuracy', 'kNN accuracy', '36'),
  accuracy('validation_accuracy', 'validation accuracy', '33'),
  accuracy('linear_accuracy', 'linear probe accuracy', '36'),
  { key: 'validation_loss', title: 'validation loss', code: '34', show: (x) => x.toPrecision(3) },
  { key: 'images_per_second', title: 'images/s', code: '35', show: (x) => x.toFixed(0), zero: true },
];

/** Plots as tall as `room` lines allow, each below its title; values that were measured once make none. */
export function watchCurves(
  lines: readonly Measurement[],
  chance: number,
  columns: number,
  room: number,
  paint: (code: string, text: string) => string,
): string[] {
  const width = columns - AXIS - 1;
  const all = curves(chance).flatMap((curve) => {
    const values = lines.filter((line) => curve.key in line).map((line) => line[curve.key]);
    return values.length > 1 ? [{ ...curve, values }] : [];
  });
  const fit = Math.min(all.length, Math.floor(room / (LEAST_ROWS + 1)));
  if (fit < 1 || width < 10) return [];
  const height = Math.min(MOST_ROWS, Math.floor(room / fit) - 1);
  const steps = all[0].values.length;
  return all.slice(0, fit).flatMap(({ values, title, code, show, zero }) => {
    const [low, high] = rangeOf(resample(values, 2 * width));
    const range = [zero ? 0 : low, high] as const;
    // Few values reach as far to the right as the many of the steps in which they were measured.
    const dots = Math.min(2 * width, steps);
    const drawn =
      values.length < dots
        ? Array.from({ length: dots }, (_, x) => values[Math.floor((x * values.length) / dots)])
        : values;
    const plot = braillePlot(drawn, width, height, range);
    return [
      paint('2', `${' '.repeat(AXIS + 1)}${title}`.slice(0, columns)),
      ...plot.map((row, i) => {
        const value = i === 0 ? show(range[1]) : i === height - 1 ? show(range[0]) : '';
        return `${paint('2', value.padStart(AXIS))} ${paint(code, row)}`;
      }),
    ];
  });
}
