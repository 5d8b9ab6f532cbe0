/** The report of a run that started from other weights: what was taken, and as text. */
import { z } from 'zod';
import { maxOf } from '../base/lists';

/** Parameters and buffers, their names unless it says otherwise, by the part of the network they belong to. */
export type ByPart<Item = string> = Record<string, Item[]>;

const names = z.record(z.string(), z.array(z.string()));
const shape = z.array(z.number());

/** A tensor with its shape in the source and in this network. */
const reinitializedSchema = z.object({ name: z.string(), source: shape, network: shape });
export type Reinitialized = z.infer<typeof reinitializedSchema>;

export const loadReportSchema = z.object({
  /** the file that was read */
  source: z.string(),
  /** whether values were taken from moving averages of the source; tensors without one come as they are */
  averages: z.boolean().default(false),
  /** taken from the source */
  loaded: names,
  /** in the source with a size that other data asks for (see DATA_AXES): keeps its initial value */
  reinitialized: z.record(z.string(), z.array(reinitializedSchema)).default({}),
  /** not in the source: keeps its initial value */
  fresh: names,
  /** in the source, not in this network */
  left: names,
});
export type LoadReport = z.infer<typeof loadReportSchema>;

/** The report as lines of text: a table by part, and the names of what is not simply loaded. */
export function formatLoadReport(report: LoadReport): string[] {
  const rows = countTensors(report);
  const width = maxOf([...rows.map(([part]) => part.length), 'part'.length]);
  const line = (part: string, cells: readonly (string | number)[]) =>
    `  ${part.padEnd(width)}${cells.map((cell) => `  ${String(cell).padStart(6)}`).join('')}`;
  return [
    `weights from ${describeSource(report)}`,
    line('part', ['loaded', 'reinit', 'fresh', 'left']),
    ...rows.map(([part, ...counts]) => line(part, counts)),
    ...listNames('reinitialized', describeReinitialized(report)),
    ...listNames('fresh', Object.values(report.fresh).flat()),
    ...listNames('left', Object.values(report.left).flat()),
  ];
}

/** For each part how many tensors are loaded, reinitialized, fresh and left. */
export function countTensors({ loaded, reinitialized, fresh, left }: LoadReport) {
  const columns: readonly Record<string, readonly unknown[]>[] = [loaded, reinitialized, fresh, left];
  const parts = [...new Set(columns.flatMap((byPart) => Object.keys(byPart)))];
  return parts.map((part) => [part, ...columns.map((byPart) => byPart[part]?.length ?? 0)] as const);
}

/** The file, and which of its values. */
export const describeSource = ({ source, averages }: LoadReport): string =>
  averages ? `${source} (moving averages)` : source;

/** Each tensor with its shape in the source and in this network. */
export const describeReinitialized = ({ reinitialized }: LoadReport): string[] =>
  Object.values(reinitialized)
    .flat()
    .map(({ name, source, network }) => `${name} [${source.join(', ')}] -> [${network.join(', ')}]`);

function listNames(title: string, names: readonly string[]): string[] {
  if (names.length === 0) return [];
  const shown = names.slice(0, 6).join(', ');
  return [`  ${title}: ${shown}${names.length > 6 ? ` and ${names.length - 6} more` : ''}`];
}
