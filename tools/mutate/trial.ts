/** Trying faults: each in a sandbox, against the suites nearest to it, until one of them fails. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { compile } from './compile';
import { applyEdit } from './mutants';
import type { Fault } from './plan';
import { type Result, suiteKey } from './results';
import type { SuiteResult } from './jestReporter';
import type { Sandbox } from './sandbox';
import type { Suites } from './suites';

/** Seconds, beside those that the suites take without a fault times the factor. */
const PATIENCE = 120;
const FACTOR = 4;
/** Of all suites together without a fault. */
const HOURS = 2 * 3600;

export class Trial {
  private readonly seconds = new Map<string, number>();
  /** without any fault */
  private readonly failing = new Set<string>();

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
      .filter(({ suite }) => !this.failing.has(suite))
      .sort((a, b) => a.distance - b.distance || this.usual(a.suite) - this.usual(b.suite))
      .map(({ suite }) => suite);
  }

  /** Seconds that a suite takes without a fault. */
  private readonly usual = (suite: string) => this.seconds.get(suite) ?? 0;

  /**
   * Runs the suites of all faults without any, but for those that `known` (a file) has of an earlier time. Those that fail are
   * left out from then on, and returned.
   */
  async prove(sandbox: Sandbox, faults: readonly Fault[], workers: number, known: string): Promise<string[]> {
    const all = new Set(faults.flatMap((fault) => this.suitesOf(fault)));
    const keys = new Map([...all].map((suite) => [suite, suiteKey(this.root, suite)]));
    const proved = new Map(
      readProved(known)
        .filter(({ suite, key }) => keys.get(suite) === key)
        .map((p) => [p.suite, p]),
    );
    const needed = [...all].filter((suite) => !proved.has(suite));
    const found = needed.length > 0 ? await sandbox.run(needed, { workers, bail: false, limit: HOURS }) : [];
    for (const { suite, passed, seconds } of found ?? [])
      if (passed) proved.set(suite, { suite, seconds, key: keys.get(suite) ?? '' });
    writeFileSync(known, JSON.stringify([...proved.values()]));
    for (const { suite, seconds } of proved.values()) this.seconds.set(suite, seconds);
    const failed = [...all].filter((suite) => !proved.has(suite));
    failed.forEach((suite) => this.failing.add(suite));
    return failed;
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

interface Proved {
  readonly suite: string;
  readonly seconds: number;
  /** of the suite and all that it may run */
  readonly key: string;
}

const readProved = (file: string): Proved[] =>
  existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Proved[]) : [];

function outcomeOf(
  found: readonly SuiteResult[] | null,
  suites: readonly string[],
): Pick<Result, 'outcome' | 'by'> {
  if (found === null) return { outcome: 'timeout' };
  const failed = found.find(({ passed }) => !passed);
  if (failed) return { outcome: 'killed', by: failed.suite };
  return found.length === suites.length ? { outcome: 'survived' } : { outcome: 'killed', by: 'a crash' };
}
