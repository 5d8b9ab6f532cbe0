/** Which process made something, and whether it still runs: numbers of processes repeat, above all in containers. */
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

export interface ProcessMark {
  readonly host: string;
  /** the system's name of the pid namespace; empty where there is none */
  readonly space: string;
  readonly pid: number;
  /** when it started, in the system's ticks; empty where the system does not tell */
  readonly started: string;
}

const SPACE = tell(() => readlinkSync('/proc/self/ns/pid'));
let own: ProcessMark | undefined;

export function thisProcess(): ProcessMark {
  return (own ??= { host: hostname(), space: SPACE, pid: process.pid, started: startOf(process.pid) });
}

/** Whether the process of `mark` runs; undefined where that cannot be seen from here (another host or pid namespace). */
export function isAlive({ host, space, pid, started }: ProcessMark): boolean | undefined {
  if (host !== hostname() || space !== SPACE) return undefined;
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: it is there and another user's
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  const now = startOf(pid);
  return started === '' || now === '' || now === started;
}

/** Field 22 of /proc/PID/stat; the second one, the program's name in brackets, may hold anything. */
function startOf(pid: number): string {
  const text = tell(() => readFileSync(`/proc/${pid}/stat`, 'utf8'));
  const [state, ...fields] = text.slice(text.lastIndexOf(')') + 2).split(' ');
  // a zombie has ended, and only its parent has not asked yet
  return state === 'Z' ? 'ended' : (fields[18] ?? '');
}

function tell(read: () => string): string {
  try {
    return read();
  } catch {
    return '';
  }
}
