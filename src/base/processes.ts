/** Who made a file: processes told apart although their numbers repeat, and whether one still runs. */
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

export interface ProcessMark {
  /** name of the machine or container */
  readonly host: string;
  /** within which numbers name processes: the link of /proc/self/ns/pid; '' where there is none */
  readonly space: string;
  readonly pid: number;
  /** when it started, in ticks since the machine did (field 22 of /proc/PID/stat); '' where that is not told */
  readonly started: string;
}

let own: ProcessMark | undefined;

export function thisProcess(): ProcessMark {
  own ??= {
    host: hostname(),
    space: pidSpace(),
    pid: process.pid,
    started: statOf(process.pid)?.started ?? '',
  };
  return own;
}

/** Whether it runs; undefined where that cannot be known from here: of another machine or another space of numbers. */
export function isAlive(mark: ProcessMark): boolean | undefined {
  const here = thisProcess();
  if (mark.host !== here.host || mark.space !== here.space) return undefined;
  const stat = statOf(mark.pid);
  if (stat === null) return exists(mark.pid);
  // One that was killed and that its parent has not asked for yet is dead too.
  if (stat.state === 'Z' || stat.state === 'X') return false;
  return mark.started === '' || mark.started === stat.started;
}

function pidSpace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    return '';
  }
}

/** Null where the system does not tell, or has no such process. */
function statOf(pid: number): { state: string; started: string } | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // Field 2, the name in brackets, may hold blanks and brackets itself.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return { state: fields[0], started: fields[22 - 3] };
  } catch {
    return null;
  }
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Not allowed to signal it: another user's.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
