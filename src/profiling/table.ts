/** Columns of text, aligned. */
import { maxOf } from '../base/lists';

export interface Column {
  readonly title: string;
  /** numbers end at the same place */
  readonly right: boolean;
}

/** A head, a rule and the rows; none where there are no rows. */
export function formatTable(columns: readonly Column[], rows: readonly (readonly string[])[]): string[] {
  if (rows.length === 0) return [];
  const widths = columns.map(({ title }, i) => maxOf([title.length, ...rows.map((row) => row[i].length)]));
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, i) => (columns[i].right ? cell.padStart(widths[i]) : cell.padEnd(widths[i])))
      .join('  ')
      .trimEnd();
  const rule = widths.map((width) => '─'.repeat(width)).join('──');
  return [line(columns.map(({ title }) => title)), rule, ...rows.map(line)];
}
