/** Trying faults: each in a sandbox, against the suites nearest to it, until one of them fails. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { UserError } from '../../src/base/errors';
import { compile } from './compile';
import { applyEdit } from './mutants';
import type { Fault } from './plan';
import type { Result } from './results';
import type { SuiteResult } from './jestReporter';
import type { Sandbox } from './sandbox';
import type { Suites } from './suites';

/** Seconds, beside those that the suites take without a fault times the factor. */
const PATIENCE = 120;
const FACTOR = 4;
/** Of all suites together without a fault. */
const HOURS = 2 * 3600;

export class Trial {
  private seconds = new Map<string, number>();

  constructor(
    private readonly root: string,
    private readonly suites: Suites,
    /** suites that are run for a fault */
    private readonly most: number,
  ) {}

  /** The nearest first, of those that are equally near the fastest. */
  private suitesOf({ file }: Fault): string[] {
    return this.suites
      .nearest(file, this.most)
      .sort((a, b) => a.distance - b.distance || this.usual(a.suite) - this.usual(b.suite))
      .map(({ suite }) => suite);
  }

  /** Seconds that a suite takes without a fault. */
  private readonly usual = (suite: string) => this.seconds.get(suite) ?? 0;

  /**
   * Runs the suites of all faults without any, but for those that `known` (a file) has of an earlier time. Throws a UserError
   * where one fails.
   */
  async prove(sandbox: Sandbox, faults: readonly Fault[], workers: number, known: string): Promise<void> {
    if (existsSync(known))
      this.seconds = new Map(JSON.parse(readFileSync(known, 'utf8')) as [string, number][]);
    const all = new Set(faults.flatMap((fault) => this.suitesOf(fault)));
    const needed = [...all].filter((suite) => !this.seconds.has(suite));
    if (needed.length === 0) return;
    const found = (await sandbox.run(needed, { workers, bail: false, limit: HOURS })) ?? [];
    const failed = needed.filter((suite) => !found.some((each) => each.suite === suite && each.passed));
    if (failed.length > 0)
      throw new UserError(`without any fault these suites fail in ${sandbox.folder}: ${failed.join(', ')}`);
    for (const { suite, seconds } of found) this.seconds.set(suite, seconds);
    writeFileSync(known, JSON.stringify([...this.seconds]));
  }

  async try(sandbox: Sandbox, fault: Fault): Promise<Pick<Result, 'outcome' | 'by'>> {
    const suites = this.suitesOf(fault);
    if (suites.length === 0) return { outcome: 'survived' };
    const { file, source, edit } = fault;
    const code = compile(this.root, file, applyEdit(source, edit));
    const usual = suites.reduce((sum, suite) => sum + this.usual(suite), 0);
    const limit = PATIENCE + FACTOR * usual;
    const compiled = `dist/${file.replace(/\.ts$/, '.js')}`;
    return outcomeOf(await sandbox.broken(compiled, code, () => sandbox.run(suites, { limit })), suites);
  }
}

function outcomeOf(
  found: readonly SuiteResult[] | null,
  suites: readonly string[],
): Pick<Result, 'outcome' | 'by'> {
  if (found === null) return { outcome: 'timeout' };
  const failed = found.find(({ passed }) => !passed);
  if (failed) return { outcome: 'killed', by: failed.suite };
  return found.length === suites.length ? { outcome: 'survived' } : { outcome: 'killed', by: 'a crash' };
}
