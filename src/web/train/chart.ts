/** A curve of one metric as SVG, cheap enough to be drawn anew with every step. */
import { maxOf } from '../../base/lists';
import { bins, type Measurement } from '../../draw/curves';
import { colour, escapeText, FONT, seriesColour } from '../../draw/theme';

const WIDTH = 420;
const HEIGHT = 220;
const MARGIN = { left: 46, right: 12, top: 30, bottom: 26 };
const MOST_BINS = 120;

/** About four round numbers from `low` to `high`. */
function ticks(low: number, high: number): number[] {
  const rough = (high - low) / 4 || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10) * power;
  const count = Math.floor(high / step + 1e-9) - Math.ceil(low / step - 1e-9) + 1;
  return Array.from({ length: count }, (_, i) => (Math.ceil(low / step - 1e-9) + i) * step);
}

const text = (x: number, y: number, content: string, anchor: string, ink = 'muted') =>
  `<text x="${x}" y="${y}" font-family='${FONT}' font-size="11" text-anchor="${anchor}" fill="${colour(ink)}">${escapeText(content)}</text>`;

const short = (value: number) => String(Number(value.toPrecision(3)));

/** `key` of `lines` over the steps 0 .. `steps`, from 0 up; null where nothing was measured. */
export function curve(
  lines: readonly Measurement[],
  key: string,
  title: string,
  steps: number,
): string | null {
  const points = bins(lines, key, MOST_BINS);
  if (points.length === 0) return null;
  const end = points[points.length - 1];
  const top = maxOf(points.map(({ high }) => high)) * 1.05 || 1;
  const x = (step: number) => MARGIN.left + ((WIDTH - MARGIN.left - MARGIN.right) * step) / steps;
  const y = (value: number) => HEIGHT - MARGIN.bottom - ((HEIGHT - MARGIN.top - MARGIN.bottom) * value) / top;
  const line = points.map(({ step, mean }) => `${x(step).toFixed(1)},${y(mean).toFixed(1)}`).join(' ');
  const across = ticks(0, top).map(
    (value) =>
      `<line x1="${MARGIN.left}" x2="${WIDTH - MARGIN.right}" y1="${y(value)}" y2="${y(value)}" stroke="${colour('grid')}"/>` +
      text(MARGIN.left - 6, y(value) + 4, short(value), 'end'),
  );
  const along = ticks(0, steps).map((step) => text(x(step), HEIGHT - 8, short(step), 'middle'));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escapeText(`${title}: ${short(end.mean)} at step ${lines.length}`)}">`,
    text(MARGIN.left, 16, `${title}: ${short(end.mean)}`, 'start', 'ink'),
    ...across,
    ...along,
    `<polyline points="${line}" fill="none" stroke="${seriesColour(0)}" stroke-width="2" stroke-linejoin="round"/>`,
    `<circle cx="${x(end.step)}" cy="${y(end.mean)}" r="3" fill="${seriesColour(0)}"/>`,
    '</svg>',
  ].join('\n');
}
