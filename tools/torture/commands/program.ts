/** `selfie` as a process of its own in a folder of its own, that can be killed, signalled or denied the disk. */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import type { HookSettings } from './hook';

/** from dist/tools/torture/commands */
export const ROOT = path.resolve(__dirname, '..', '..', '..', '..');
const PROGRAM = path.join(ROOT, 'bin', 'selfie.js');
const HOOK = path.join(__dirname, 'hook.js');

/** Seconds that any command of the harness may take. */
const LIMIT = 120;
/** Seconds in which the children of a killed command have to be gone. */
const ORPHANS = 20;

export interface Disturbance {
  readonly hook?: Pick<HookSettings, 'at' | 'act'>;
  /** see HookSettings */
  readonly pid?: number;
  /** signals, each so many seconds after the start */
  readonly signals?: readonly (readonly [name: NodeJS.Signals, after: number])[];
}

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly seconds: number;
  /** of the file system that the hook counted */
  readonly calls: number;
  /** the call at which the hook acted; empty: it did not */
  readonly noted: string;
  /** what is wrong however it was disturbed: it hung, or its children stayed */
  readonly problems: readonly string[];
}

/** A folder in which commands run: `work` is where they are started, `tmp` their TMPDIR. */
export class Place {
  readonly work: string;
  readonly tmp: string;

  constructor(readonly folder: string) {
    this.work = path.join(folder, 'work');
    this.tmp = path.join(folder, 'tmp');
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(this.work, { recursive: true });
    mkdirSync(this.tmp);
  }

  /** Runs `selfie ...args` here to its end, and to that of all that it started. */
  run(args: readonly string[], disturbance: Disturbance = {}): Promise<Ended> {
    return run(this, args, disturbance);
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

let count = 0;

async function run(
  place: Place,
  args: readonly string[],
  { hook, signals = [], pid }: Disturbance,
): Promise<Ended> {
  const id = `${process.pid}-${count++}`;
  const [counter, note] = [path.join(place.folder, `calls-${id}`), path.join(place.folder, `note-${id}`)];
  const settings: HookSettings = {
    roots: [place.work, place.tmp],
    counter,
    note,
    pid,
    at: hook?.at ?? 0,
    act: hook?.act ?? 'kill before',
  };
  const started = performance.now();
  const child = spawn(process.execPath, [PROGRAM, ...args], {
    cwd: place.work,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      TMPDIR: place.tmp,
      NO_COLOR: '1',
      SELFIE_DEBUG: undefined,
      NODE_OPTIONS: `--require ${HOOK}`,
      TORTURE_HOOK: JSON.stringify(settings),
      TORTURE_RUN: id,
    },
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const problems: string[] = [];
  const hung = setTimeout(() => {
    problems.push(`did not end in ${LIMIT} s`);
    child.kill('SIGKILL');
  }, 1000 * LIMIT);
  const timers = signals.map(([name, after]) => setTimeout(() => child.kill(name), 1000 * after));
  const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (...how) => resolve(how));
  });
  const seconds = (performance.now() - started) / 1000;
  [hung, ...timers].forEach((timer) => clearTimeout(timer));
  const left = await orphans(id);
  if (left.length > 0) problems.push(`${left.length} children ran on for ${ORPHANS} s`);
  const calls = existsSync(counter) ? statSync(counter).size : 0;
  const noted = existsSync(note)
    ? path.relative(place.work, readFileSync(note, 'utf8').replace(/^\S+ /, ''))
    : '';
  const call = existsSync(note) ? readFileSync(note, 'utf8').split(' ', 1)[0] : '';
  rmSync(counter, { force: true });
  rmSync(note, { force: true });
  return { code, signal, stdout, stderr, seconds, calls, noted: call && `${call} ${noted}`, problems };
}

/** Waits until nothing runs any more that was started by that run; ends and returns what stays. */
async function orphans(id: string): Promise<number[]> {
  const end = performance.now() + 1000 * ORPHANS;
  for (;;) {
    const left = processesOf(id);
    if (left.length === 0) return left;
    if (performance.now() > end) {
      for (const pid of left) process.kill(pid, 'SIGKILL');
      return left;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** By their environment, which is in /proc on Linux; none elsewhere. */
function processesOf(id: string): number[] {
  if (!existsSync('/proc/self/environ')) return [];
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => {
      try {
        return readFileSync(`/proc/${name}/environ`, 'latin1').includes(`TORTURE_RUN=${id}\0`);
      } catch {
        return false;
      }
    })
    .map(Number);
}
