/** Tables for people: Markdown with aligned columns. */
import { maxOf } from '../../src/base/lists';
import type { Row } from './rounds';
import type { Spread } from './statistics';

export interface Column<T> {
  readonly title: string;
  readonly cell: (row: T) => string;
  /** text to the left, numbers to the right */
  readonly align?: 'left';
}

export function formatTable<T>(columns: readonly Column<T>[], rows: readonly T[]): string {
  const lines = [
    columns.map(({ title }) => title),
    ...rows.map((row) => columns.map(({ cell }) => cell(row))),
  ];
  const widths = columns.map((_, i) => maxOf([3, ...lines.map((line) => line[i].length)]));
  const pad = (text: string, i: number) =>
    columns[i].align === 'left' ? text.padEnd(widths[i]) : text.padStart(widths[i]);
  const [head, ...body] = lines.map((line) => `| ${line.map(pad).join(' | ')} |`);
  const rule = columns.map(({ align }, i) =>
    align === 'left' ? '-'.repeat(widths[i]) : `${'-'.repeat(widths[i] - 1)}:`,
  );
  return [head, `| ${rule.join(' | ')} |`, ...body].join('\n');
}

/** `1.86 (1.77..1.95)`; the digits that the smallest needs for three places that count. */
export function formatSpread({ median, min, max }: Spread): string {
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.max(median, 1e-6))));
  const show = (value: number) => value.toFixed(Math.min(digits, 4));
  return `${show(median)} (${show(min)}..${show(max)})`;
}

const number = (value: number | undefined, digits: number) => value?.toFixed(digits) ?? '';
const spreadCell = (value: Spread | undefined) => (value ? formatSpread(value) : '');

/** Two float32 programs of one network agree this well in the first loss; TF32 and float16 have four digits, bfloat16 three. */
const TOLERANCE = { float32: 1e-3, tf32: 1e-2, float16: 2e-2, bfloat16: 5e-2 } as const;

/** The keys of the rows whose first loss is not the one most of ours started from: they train something else. */
export function strangers(rows: readonly Row[], reference: number | undefined): string[] {
  const truth = rows[reference ?? 0]?.firstLoss;
  if (truth === undefined) return [];
  return rows
    .filter(({ firstLoss }) => firstLoss !== undefined)
    .filter(({ firstLoss, precision }) => {
      const distance = Math.abs((firstLoss as number) - truth) / Math.abs(truth);
      return !(distance <= TOLERANCE[precision]);
    })
    .map(({ key }) => key);
}

const LOSSES: readonly Column<Row>[] = [
  { title: 'first loss', cell: ({ firstLoss }) => number(firstLoss, 5) },
  { title: 'last loss', cell: ({ lastLoss }) => number(lastLoss, 5) },
];

const DEVICE: Column<Row> = { title: 'GPU MB', cell: ({ deviceMb }) => number(deviceMb, 0) };

/** The table of one case; `losses` where they can be compared. */
export function formatRows(rows: readonly Row[], { losses }: { losses: boolean }): string {
  const steps = rows.find(({ processSteps }) => processSteps !== undefined)?.processSteps ?? 0;
  return formatTable<Row>(
    [
      {
        title: 'contestant',
        align: 'left',
        cell: ({ key, precision, status }) =>
          `${key}${precision === 'float32' ? '' : ` (${precision})`}${status === 'measured' ? '' : `: ${status}`}`,
      },
      { title: 's/step, median (min..max)', cell: ({ stepSeconds }) => spreadCell(stepSeconds) },
      { title: 'images/s', cell: ({ imagesPerSecond }) => number(imagesPerSecond, 1) },
      { title: 'time / ours', cell: ({ ratio }) => number(ratio, 2) },
      { title: 'peak MB', cell: ({ peakMb }) => number(peakMb, 0) },
      ...(rows.some(({ deviceMb }) => deviceMb !== undefined) ? [DEVICE] : []),
      { title: 'libraries MB', cell: ({ librariesMb }) => number(librariesMb, 0) },
      { title: `start to step ${steps}, s`, cell: ({ processSeconds }) => spreadCell(processSeconds) },
      ...(losses ? LOSSES : []),
    ],
    rows,
  );
}
