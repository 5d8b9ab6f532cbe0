/** What every section is given, and how its trials are run: some at once, or one of them alone. */
import pLimit from 'p-limit';
import type { Report } from './report';

export interface Setting {
  /** folder of everything that is written */
  readonly work: string;
  readonly report: Report;
  readonly seed: number;
  /** trials at once */
  readonly jobs: number;
  /** a few of each */
  readonly short: boolean;
  /** of `kills`, over all commands */
  readonly kills: number;
  /** of `damage`, over all readers */
  readonly damaged: number;
  /** `NAME` or `NAME#TRIAL`; undefined: all */
  readonly only?: string;
  readonly say: (line: string) => void;
}

/** Whether the case of that name is asked for; with `trial`, whether that trial of it is. */
export function isAsked({ only }: Setting, name: string, trial?: number): boolean {
  if (only === undefined || only === name) return true;
  const [, asked, number] = /^(.*)#(-?\d+)$/.exec(only) ?? [];
  return asked === name && (trial === undefined || trial === Number(number));
}

/** Trials of a case: 0 to `count`, or the one that is asked for. */
export function trialsOf({ only }: Setting, count: number): number[] {
  const [, number] = /#(-?\d+)$/.exec(only ?? '') ?? [];
  return number === undefined ? Array.from({ length: count }, (_, i) => i) : [Number(number)];
}

/** Runs `body` for each item, `jobs` at once. */
export async function inParallel<T>(
  items: readonly T[],
  jobs: number,
  body: (item: T) => Promise<void>,
): Promise<void> {
  const limit = pLimit(jobs);
  await Promise.all(items.map((item) => limit(() => body(item))));
}
