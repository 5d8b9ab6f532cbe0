/** Damaged files: thousands of inputs for everything that reads files, in processes that are ended when they hang or grow. */
import { fork, type ChildProcess } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import type { Place } from '../commands/program';
import { inParallel, isAsked, type Setting, trialsOf } from '../section';
import type { Reader } from './reader';
import { READERS } from './readers';
import type { Message, Task } from './worker';

export const SECTION = 'damage';

/** Seconds and bytes that one input may take. */
const HANG = 20;
const MOST = 2 * 2 ** 30;
/** Milliseconds between two looks at a process. */
const LOOK = 100;
/** Starting the program takes longer than reading most inputs. */
const START = 60;

export async function damaged(setting: Setting, { work: material }: Place): Promise<void> {
  const { work, report, jobs, say } = setting;
  const all = READERS.reduce((sum, { weight = 1 }) => sum + weight, 0);
  const tally = { inputs: 0, peak: 0 };
  const asked = READERS.filter(({ name }) => isAsked(setting, name));
  await inParallel(asked, jobs, async (reader) => {
    const place = path.join(work, SECTION, reader.name.replace(/\W+/g, '-'));
    const valid = path.join(place, 'valid');
    rmSync(place, { recursive: true, force: true });
    mkdirSync(valid, { recursive: true });
    await reader.make(valid, material);
    const count = Math.max(1, Math.round((setting.damaged * (reader.weight ?? 1)) / all));
    // the first is not damaged at all
    const trials = [-1, ...trialsOf(setting, count).filter((trial) => trial >= 0)];
    await readAll(setting, reader, { valid, folder: path.join(place, 'input'), trials }, tally);
    rmSync(place, { recursive: true, force: true });
    say(`${SECTION}: ${reader.name}, ${trials.length - 1}`);
  });
  idle.splice(0).forEach((child) => child.disconnect());
  report.figure(
    `damage: ${tally.inputs} damaged inputs of ${asked.length} readers, at most ${(tally.peak / 2 ** 20).toFixed(0)} MiB`,
  );
}

/** All trials of a reader, in as many processes as it takes. */
async function readAll(
  { report, seed }: Setting,
  { name }: Reader,
  { trials, ...where }: Pick<Task, 'valid' | 'folder' | 'trials'>,
  tally: { inputs: number; peak: number },
): Promise<void> {
  for (let next = 0; next < trials.length;) {
    const task: Task = { reader: name, seed, trials: trials.slice(next), ...where };
    const ended = await run(task, (trial, what, problem, peak) => {
      next++;
      if (trial >= 0) tally.inputs++;
      tally.peak = Math.max(tally.peak, peak);
      const wrong = problem ?? (peak > MOST ? `took ${(peak / 2 ** 20).toFixed(0)} MiB` : null);
      report.add({ section: SECTION, name, trial, what, problems: wrong === null ? [] : [wrong] });
      return peak <= MOST;
    });
    if (ended !== null) {
      report.add({ section: SECTION, name, ...ended });
      next++;
    }
  }
}

interface Died {
  readonly trial: number;
  readonly what: string;
  readonly problems: readonly string[];
}

/** Hears of an input that was read; false: the process is not to go on. */
type Heard = (trial: number, what: string, problem: string | null, peak: number) => boolean;

/** Processes that wait for their next reader. */
const idle: ChildProcess[] = [];

function freeProcess(): ChildProcess {
  const waiting = idle.pop();
  if (waiting) return waiting;
  return fork(path.join(__dirname, 'worker.js'), {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    env: { ...process.env, NODE_OPTIONS: '' },
  });
}

/** Reads the task's inputs in one process; what became of the one that ended it, or null where all were read. */
function run(task: Task, heard: Heard): Promise<Died | null> {
  const child = freeProcess();
  let said = '';
  let begun: { trial: number; what: string; at: number } | null = null;
  let why = '';
  const started = performance.now();
  const end = (reason: string) => {
    why ||= reason;
    child.kill('SIGKILL');
  };
  const look = setInterval(() => {
    const now = performance.now();
    const bytes = memoryOf(child);
    if (begun && now - begun.at > 1000 * HANG) end(`did not end in ${HANG} s`);
    else if (!begun && now - started > 1000 * START) end(`did nothing for ${START} s`);
    else if (bytes > MOST) end(`took ${(bytes / 2 ** 20).toFixed(0)} MiB`);
  }, LOOK);
  return new Promise((resolve) => {
    const listen = (text: Buffer) => (said = (said + text.toString()).slice(-2000));
    const finish = (died: Died | null) => {
      clearInterval(look);
      child.stderr?.off('data', listen);
      child.off('message', hear);
      child.off('exit', ended);
      resolve(died);
    };
    child.stderr?.on('data', listen);
    const hear = (message: Message) => {
      if (message.is === 'begun') begun = { ...message, at: performance.now() };
      else if (message.is === 'ended') {
        const what = begun?.what ?? '';
        begun = null;
        if (heard(message.trial, what, message.problem, message.peak)) return;
        child.kill('SIGKILL');
        finish(null);
      } else {
        idle.push(child);
        finish(null);
      }
    };
    const ended = (code: number | null, signal: string | null) => {
      const problem = why || `the process ended with ${code ?? signal}: ${said}`;
      finish({ trial: begun?.trial ?? -1, what: begun?.what ?? '', problems: [problem] });
    };
    child.on('message', hear);
    child.once('exit', ended);
    child.send(task);
  });
}

/** Resident bytes of a process, from /proc; 0 elsewhere. */
function memoryOf({ pid }: ChildProcess): number {
  try {
    return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}
