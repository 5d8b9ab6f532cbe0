/** Curves of characters: a plot of braille dots, two by four a character, and one-line bars. */
import { maxOf, minOf } from '../base/lists';
import { mean } from '../base/statistics';

/** Bits of the dots of a braille character, by row and column. */
const DOTS = [
  [0x01, 0x08],
  [0x02, 0x10],
  [0x04, 0x20],
  [0x40, 0x80],
] as const;

/**
 * `values` as a connected line in `width` x `height` characters, the smallest value on the lowest dot and the largest on the
 * highest; `range` fixes both. More values than dots are averaged.
 */
export function braillePlot(
  values: readonly number[],
  width: number,
  height: number,
  [low, high]: readonly [number, number] = rangeOf(values),
): string[] {
  const columns = width * 2;
  const rows = height * 4;
  const cells = Array.from({ length: height }, () => new Uint8Array(width));
  const set = (x: number, y: number) => (cells[y >> 2][x >> 1] |= DOTS[y & 3][x & 1]);
  const span = high > low ? high - low : 1;
  let before: number | undefined;
  resample(values, columns).forEach((value, x) => {
    const fraction = Math.min(1, Math.max(0, (value - low) / span));
    const y = Math.round((1 - fraction) * (rows - 1));
    const from = before ?? y;
    for (let at = Math.min(from, y); at <= Math.max(from, y); at++) if (at !== from || from === y) set(x, at);
    before = y;
  });
  return cells.map((row) => Array.from(row, (bits) => String.fromCodePoint(0x2800 + bits)).join(''));
}

export function rangeOf(values: readonly number[]): [low: number, high: number] {
  return values.length === 0 ? [0, 1] : [minOf(values), maxOf(values)];
}

/** At most `count` values, each the mean of its neighbours. */
export function resample(values: readonly number[], count: number): number[] {
  const used = Math.min(count, values.length);
  return Array.from({ length: used }, (_, i) => {
    const from = Math.floor((i * values.length) / used);
    return mean(values.slice(from, Math.floor(((i + 1) * values.length) / used)));
  });
}

const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

/** A bar of `width` characters, `fraction` of it full. */
export function bar(fraction: number, width: number): string {
  const eighths = Math.round(Math.min(1, Math.max(0, fraction)) * width * 8);
  const full = '█'.repeat(eighths >> 3) + EIGHTHS[eighths & 7];
  return full.padEnd(width, '░');
}
