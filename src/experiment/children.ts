/** Commands of this package as processes of their own, a few at a time, each with a log file. */
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import path from 'node:path';
import pLimit from 'p-limit';
import { UserError } from '../base/errors';

const PROGRAM = path.join(__dirname, '..', '..', '..', 'bin', 'selfie.js');

/** Thrown out of `run` when the pool was stopped: nothing is wrong, and nothing more is to be done. */
export class Stopped extends Error {}

/**
 * Runs commands, at most `jobs` sequences at once. Once `signal` fires or a command fails, every running one is asked to
 * stop as by Ctrl-C, and no other starts.
 */
export class Children {
  private readonly running = new Set<ChildProcess>();
  private readonly limit: <T>(body: () => Promise<T>) => Promise<T>;
  private stopped = false;

  constructor(jobs: number, signal: AbortSignal | undefined) {
    this.limit = pLimit(jobs);
    signal?.addEventListener('abort', () => this.stop());
  }

  /** `body`, a sequence of commands, when its turn comes. */
  queue<T>(body: () => Promise<T>): Promise<T> {
    return this.limit(async () => {
      if (this.stopped) throw new Stopped();
      try {
        return await body();
      } catch (error) {
        this.stop();
        throw error;
      }
    });
  }

  stop(): void {
    if (this.stopped) return;
    this.stopped = true;
    for (const child of this.running) child.kill('SIGINT');
  }

  /** Resolves when no command runs any more. */
  async idle(): Promise<void> {
    const ended = (child: ChildProcess) => new Promise((resolve) => child.once('close', resolve));
    await Promise.all([...this.running].map(ended));
  }

  /**
   * Runs `selfie ...args`; what it prints on stdout comes back, stderr is appended to `log`. Throws a UserError with its last
   * line where it fails.
   */
  async run(args: readonly string[], log: string): Promise<string> {
    if (this.stopped) throw new Stopped();
    mkdirSync(path.dirname(log), { recursive: true });
    const file = openSync(log, 'a');
    try {
      return await this.finish(args, log, file);
    } finally {
      closeSync(file);
    }
  }

  private finish(args: readonly string[], log: string, file: number): Promise<string> {
    // A group of its own, so that Ctrl-C reaches it once, through `stop`; its channel ends it where this process is killed.
    const child = spawn(process.execPath, [PROGRAM, ...args], {
      detached: true,
      stdio: ['ignore', 'pipe', file, 'ipc'],
    });
    this.running.add(child);
    let output = '';
    child.stdout?.setEncoding('utf8').on('data', (text: string) => (output += text));
    return new Promise((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (code, signal) => {
        this.running.delete(child);
        if (this.stopped) reject(new Stopped());
        else if (code === 0) resolve(output);
        else reject(failure(args, log, code ?? signal));
      });
    });
  }
}

function failure(args: readonly string[], log: string, code: number | string | null): UserError {
  const lines = readFileSync(log, 'utf8').trimEnd().split('\n');
  return new UserError(`selfie ${args.join(' ')} ended with ${code}: ${lines.at(-1)} (log: ${log})`);
}
