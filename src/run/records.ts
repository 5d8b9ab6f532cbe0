/**
 * Files of one JSON record a line, with a step that grows: all that comes before the first damaged line. Whoever reads them takes
 * the same lines, and a resumed run writes no others.
 */
import { existsSync, readFileSync } from 'node:fs';
import { fileError } from '../base/files';

/** Takes lines as they come. */
export class Records<T extends { readonly step: number }> {
  readonly values: T[] = [];
  /** The number, from 1, of the first line that is no record or whose step is not behind the one before; null: none is. */
  damagedAt: number | null = null;
  private count = 0;

  /** @param parse what a line says, or null for what is no record */
  constructor(private readonly parse: (line: string) => T | null) {}

  add(line: string): void {
    this.count++;
    if (this.damagedAt !== null) return;
    const value = this.parse(line);
    if (value === null || value.step <= (this.values.at(-1)?.step ?? 0)) this.damagedAt = this.count;
    else this.values.push(value);
  }

  /** For a warning; null where nothing is damaged. */
  problem(file: string): string | null {
    return this.damagedAt === null ? null : `${file}: line ${this.damagedAt} is damaged`;
  }
}

/** The records of `file` as it is now; none where it is not there. A last line that has no end yet does not count. */
export function readRecords<T extends { readonly step: number }>(
  file: string,
  parse: (line: string) => T | null,
): Records<T> {
  const records = new Records(parse);
  for (const line of completeLines(file)) records.add(line);
  return records;
}

/**
 * The lines that a run which has finished `step` steps goes on from, and what they say; `warn` hears what is lost where it is
 * more than that.
 */
export function keptRecords<T extends { readonly step: number }>(
  file: string,
  step: number,
  parse: (line: string) => T | null,
  warn: (line: string) => void,
): { lines: string[]; values: T[] } {
  const records = readRecords(file, parse);
  const values = records.values.filter((value) => value.step <= step);
  const problem = records.problem(file);
  if (problem !== null && step > 0 && values.length === records.values.length)
    warn(`${problem}; it and the lines behind it are removed`);
  return { lines: completeLines(file).slice(0, values.length), values };
}

/** JSON or null: what was torn, or holds other bytes. */
export function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}

function completeLines(file: string): string[] {
  if (!existsSync(file)) return [];
  try {
    return readFileSync(file, 'utf8').split('\n').slice(0, -1);
  } catch (error) {
    throw fileError('read', file, error);
  }
}
