/** What a page says of errors, names and files: one line, bounded, as plain text. */
import { oneLine } from '../../base/errors';

/** Longer names and messages of elsewhere are cut in the middle. */
const LONGEST_NAME = 80;
const LONGEST_MESSAGE = 400;
/** Files that are named; the others are counted. */
const NAMED = 5;

function bounded(text: string, longest: number): string {
  const line = oneLine(text.slice(0, 4 * longest));
  if (text.length <= longest) return line;
  const end = oneLine(text.slice(-Math.floor(longest / 3)));
  return `${line.slice(0, longest - end.length - 1)}…${end}`;
}

/** A file's or a class's name as it is shown. */
export const shownName = (name: string) => bounded(name, LONGEST_NAME);

/** What went wrong; a runtime in WebAssembly throws numbers where it runs out of memory. */
export function messageOf(error: unknown): string {
  if (typeof error === 'number') return 'out of memory';
  const isError = typeof error === 'object' && error !== null && 'message' in error;
  const text = isError ? String(error.message) : String(error);
  if (text !== '') return bounded(text, LONGEST_MESSAGE);
  return isError && 'name' in error ? String(error.name) : 'unknown cause';
}

/** A file that is not used, and why: `it is empty`. */
export interface LeftOut {
  readonly name: string;
  readonly reason: string;
}

/** A line for each reason: how many files, and the first of them by name. */
export function leftOutLines(files: readonly LeftOut[]): string[] {
  const byReason = new Map<string, string[]>();
  for (const { name, reason } of files) byReason.set(reason, [...(byReason.get(reason) ?? []), name]);
  return [...byReason].map(([reason, names]) => {
    const shown = names.slice(0, NAMED).map(shownName).join(', ');
    const more = names.length > NAMED ? ` and ${names.length - NAMED} more` : '';
    const count = names.length === 1 ? '1 file is' : `${names.length} files are`;
    return `${count} left out (${reason}): ${shown}${more}`;
  });
}
