/** A copy of the compiled package in which files can be broken and suites be run, while the package itself stays whole. */
import { type ChildProcess, spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { SuiteResult } from './jestReporter';

/** What suites read besides: linked, never written. */
const LINKED = ['node_modules', 'test', 'src', 'graphs', 'tools'];
const COPIED = ['dist', 'bin', 'models', 'package.json'];

const running = new Set<ChildProcess>();
/** The runner and everything that it started. */
const end = ({ pid }: ChildProcess) => pid !== undefined && process.kill(-pid, 'SIGKILL');
process.once('exit', () => running.forEach(end));

export class Sandbox {
  constructor(
    root: string,
    readonly folder: string,
  ) {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    for (const name of COPIED) cpSync(path.join(root, name), path.join(folder, name), { recursive: true });
    for (const name of LINKED) symlinkSync(path.join(root, name), path.join(folder, name));
  }

  /** Puts `code` in the place of a compiled file while `body` runs. */
  async broken<T>(file: string, code: string, body: () => Promise<T>): Promise<T> {
    const place = path.join(this.folder, file);
    const whole = readFileSync(place);
    writeFileSync(place, code);
    try {
      return await body();
    } finally {
      writeFileSync(place, whole);
    }
  }

  /**
   * Runs suites in order, up to the first that fails with `bail`; those that came to an end. Null where it took longer than
   * `limit` seconds, as a loop without an end does.
   */
  run(
    suites: readonly string[],
    { workers = 1, bail = true, limit }: { workers?: number; bail?: boolean; limit: number },
  ): Promise<SuiteResult[] | null> {
    const report = path.join(this.folder, 'report.jsonl');
    rmSync(report, { force: true });
    const own = (name: string) => path.join(this.folder, 'dist', 'tools', 'mutate', name);
    const child = spawn(
      process.execPath,
      [
        path.join(this.folder, 'node_modules', 'jest', 'bin', 'jest.js'),
        ...['--runTestsByPath', ...suites],
        ...['--testSequencer', own('jestOrder.js'), '--reporters', own('jestReporter.js')],
        ...(workers > 1 ? ['-w', String(workers)] : ['--runInBand']),
        ...(bail ? ['--bail'] : []),
        '--forceExit',
      ],
      {
        cwd: this.folder,
        env: { ...process.env, MUTATE_SUITES: suites.join(), MUTATE_REPORT: report },
        stdio: 'ignore',
        // a group of its own, so that its children end with it
        detached: true,
      },
    );
    running.add(child);
    return new Promise((resolve, reject) => {
      let late = false;
      const timer = setTimeout(() => {
        late = true;
        end(child);
      }, 1000 * limit);
      child.on('error', reject);
      child.on('exit', () => {
        clearTimeout(timer);
        running.delete(child);
        resolve(late ? null : linesOf(report));
      });
    });
  }
}

/** None where the runner itself broke down. */
function linesOf(report: string): SuiteResult[] {
  if (!existsSync(report)) return [];
  const lines = readFileSync(report, 'utf8').split('\n').slice(0, -1);
  return lines.map((line) => JSON.parse(line) as SuiteResult);
}
