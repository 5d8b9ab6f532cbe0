/**
 * Names of what is half made, beside the place that it is for. Each says which process makes it, so that whoever writes there
 * next can tell what a dead one left, and removes it or finishes it.
 */
import { createHash, randomBytes } from 'node:crypto';
import { lstatSync, readdirSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { isAlive, thisProcess } from './processes';
import { finishMoves } from './moves';

/** `.PID-STARTED-MACHINE-RANDOM.tmp` at the end of a name; MACHINE is of the computer and its space of process numbers. */
const MARK = /\.(\d+)-(\d*)-([0-9a-f]{8})-[0-9a-f]{8}\.tmp$/;

/** Milliseconds after which what was made on another machine, and not touched since, counts as left. */
const ABANDONED = 24 * 60 * 60 * 1000;

/** A new name beside `place`, for something that is to become it. */
export function asideOf(place: string): string {
  const { pid, started } = thisProcess();
  return `${place}.${pid}-${started}-${machine()}-${randomBytes(4).toString('hex')}.tmp`;
}

/**
 * Removes from `folder` what dead processes left half made, whatever it was for; moves that one had begun are done (see
 * moves.ts). Does what it may and never fails: nothing depends on it but order.
 */
export function clearLeft(folder: string): void {
  for (const name of namesIn(folder)) {
    const mark = MARK.exec(name);
    if (mark === null || !isLeft(path.join(folder, name), mark)) continue;
    try {
      // Whoever gets the new name does it; another process may be at the same.
      const own = asideOf(path.join(folder, name.slice(0, mark.index)));
      renameSync(path.join(folder, name), own);
      finishMoves(own);
      rmSync(own, { recursive: true, force: true });
    } catch {
      // Taken by another one, or not ours to change.
    }
  }
}

function isLeft(file: string, [, pid, started, where]: RegExpExecArray): boolean {
  if (where === machine()) return !isAlive({ ...thisProcess(), pid: Number(pid), started });
  try {
    return Date.now() - lastChange(file) > ABANDONED;
  } catch {
    return false;
  }
}

/** Milliseconds; of a folder, of what is in it too. */
function lastChange(file: string): number {
  const stat = lstatSync(file);
  if (!stat.isDirectory()) return stat.mtimeMs;
  return readdirSync(file).reduce(
    (last, name) => Math.max(last, lastChange(path.join(file, name))),
    stat.mtimeMs,
  );
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

let ownMachine: string | undefined;

function machine(): string {
  const { host, space } = thisProcess();
  ownMachine ??= createHash('sha256').update(`${host}\n${space}`).digest('hex').slice(0, 8);
  return ownMachine;
}
