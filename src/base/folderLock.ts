/** One process at a time in a folder: a lock file that says whose it is, so that what a killed process leaves is no obstacle. */
import { randomBytes } from 'node:crypto';
import {
  constants,
  copyFileSync,
  linkSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { z } from 'zod';
import { asideOf } from './aside';
import { UserError } from './errors';
import { fileError } from './files';
import { isAlive, thisProcess } from './processes';

const lockSchema = z.object({
  host: z.string(),
  space: z.string(),
  pid: z.number().int(),
  started: z.string(),
  /** what is being done, for the message */
  action: z.string(),
  /** no two locks are the same */
  nonce: z.string(),
});
type Lock = z.infer<typeof lockSchema>;

/** Seconds between two signs of life, which tell processes of other hosts and containers that this one runs. */
const BEAT = 3;
/** Seconds in which a lock whose process cannot be seen is watched for one: clocks of hosts differ, so that its age says little. */
const WATCH = 15;

export interface FolderLock {
  /** UserError where the folder was moved or removed, or the lock was: nothing may be written there any more. */
  readonly check: () => void;
  readonly release: () => void;
}

export const LOCK_FILE = '.selfie-lock';

/**
 * Takes `directory`, which is there, for this process until `release` or its end. A folder is taken once: by this process, too.
 * @param action what is being done there (`train`), for the message that others get
 * @throws UserError where another process has it, or the system refuses
 */
export async function lockFolder(directory: string, action: string): Promise<FolderLock> {
  // Where the caller's own working directory moves, this stays the same place.
  const folder = path.resolve(directory);
  const { check, release } = await takeLock(path.join(folder, LOCK_FILE), directory, action);
  const { ino } = statSync(folder);
  return {
    check() {
      if (statSync(folder, { throwIfNoEntry: false })?.ino !== ino)
        throw new UserError(`${directory} was moved or removed while ${action} worked in it`);
      check();
    },
    release,
  };
}

/** As `lockFolder`, for what is not a folder or is made anew: `file` says that `subject` is taken. */
export async function takeLock(file: string, subject: string, action: string): Promise<FolderLock> {
  const lock: Lock = { ...thisProcess(), action, nonce: randomBytes(8).toString('hex') };
  const written = asideOf(file);
  try {
    writeFileSync(written, `${JSON.stringify(lock)}\n`, { flag: 'wx' });
    try {
      await takePlace(written, file, subject);
    } finally {
      rmSync(written, { force: true });
    }
  } catch (error) {
    throw fileError('lock', subject, error);
  }
  const beat = setInterval(() => touch(file), 1000 * BEAT).unref();
  const release = () => {
    clearInterval(beat);
    process.removeListener('exit', release);
    if (read(file)?.nonce === lock.nonce) rmSync(file, { force: true });
  };
  process.once('exit', release);
  return {
    check() {
      if (read(file)?.nonce !== lock.nonce)
        throw new UserError(`${file} was removed or replaced while ${action} worked on ${subject}`);
    },
    release,
  };
}

/** Runs `use` while this process has the folder. Errors as `lockFolder`, and whatever `use` throws. */
export async function withFolderLock<T>(
  directory: string,
  action: string,
  use: (lock: FolderLock) => Promise<T>,
): Promise<T> {
  const lock = await lockFolder(directory, action);
  try {
    return await use(lock);
  } finally {
    lock.release();
  }
}

/** Throws a UserError where another process, or this one, has `directory`; for whoever would only replace what is in it. */
export async function requireUnlocked(directory: string): Promise<void> {
  const file = path.join(directory, LOCK_FILE);
  const lock = read(file);
  if (lock && (await isHeld(lock, file))) throw inUse(directory, lock, file);
}

/** As `requireUnlocked`, once so many seconds have passed in which it was not free. */
export async function waitUnlocked(directory: string, seconds: number): Promise<void> {
  const end = performance.now() + 1000 * seconds;
  for (;;) {
    try {
      await requireUnlocked(directory);
      return;
    } catch (error) {
      if (performance.now() > end) throw error;
    }
    await setTimeout(100);
  }
}

/** Gives what is written the lock's name, unless a lock that counts is there. */
async function takePlace(written: string, file: string, directory: string): Promise<void> {
  // Whoever comes upon a lock that is being replaced tries again.
  for (let attempt = 0; attempt < 10; attempt++) {
    try {
      giveName(written, file);
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const there = read(file);
    if (there && (await isHeld(there, file))) throw inUse(directory, there, file);
    removeStale(file, there);
  }
  throw new UserError(`${directory}: another process is taking it at the same moment; try again`);
}

/** Fails where there is such a name. Some file systems (FAT, some networks') have no second names for a file. */
function giveName(written: string, file: string): void {
  try {
    linkSync(written, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') throw error;
    copyFileSync(written, file, constants.COPYFILE_EXCL);
  }
}

/** Removes the lock that was read, and none that came to lie there since. */
function removeStale(file: string, seen: Lock | null): void {
  const aside = asideOf(file);
  try {
    renameSync(file, aside);
    if (read(aside)?.nonce !== seen?.nonce) giveName(aside, file);
  } catch {
    // Another process was faster.
  }
  rmSync(aside, { force: true });
}

/** Whether its process runs: seen here, or by the signs that it gives. */
async function isHeld(lock: Lock, file: string): Promise<boolean> {
  const alive = isAlive(lock);
  if (alive !== undefined) return alive;
  const beatOf = () => statSync(file, { throwIfNoEntry: false })?.mtimeMs;
  const before = beatOf();
  const end = performance.now() + 1000 * WATCH;
  while (performance.now() < end) {
    await setTimeout(250);
    const now = beatOf();
    if (now !== before) return now !== undefined;
  }
  return false;
}

function inUse(directory: string, { pid, host, action }: Lock, file: string): UserError {
  const process = `process ${pid} on ${host}`;
  return new UserError(
    `${directory}: in use by ${process} (${action}); wait for it, stop it, or take another folder ` +
      `(if it no longer runs: the lock is ${file})`,
  );
}

/** null: not there, or damaged, and then nobody's. */
function read(file: string): Lock | null {
  try {
    return lockSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch {
    return null;
  }
}

function touch(file: string): void {
  try {
    const now = new Date();
    utimesSync(file, now, now);
  } catch {
    // `check` says what became of it.
  }
}
