/** Files and folders of things half made: gone when the process ends, by Ctrl-C too, and after a kill with the next that makes one. */
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { asideOf, clearLeft } from './aside';

const made = new Set<string>();
let isWatched = false;
const remove = (file: string) => rmSync(file, { recursive: true, force: true });

/** Has a file or folder removed at the end of the process, unless `discard` comes first. */
export function discardAtExit(file: string): void {
  if (!isWatched) process.once('exit', () => made.forEach(remove));
  isWatched = true;
  made.add(file);
}

/** Takes back `discardAtExit`. */
export function keep(file: string): void {
  made.delete(file);
}

export function discard(file: string): void {
  made.delete(file);
  remove(file);
}

/** Removes a file or folder, if it is there, at once: killed while it does, no half of it stays in its place. */
export function removeWhole(place: string): void {
  clearLeft(path.dirname(place));
  if (!existsSync(place)) return;
  const aside = asideOf(place);
  renameSync(place, aside);
  remove(aside);
}

/** Makes a folder for `kind` of work among the system's temporary ones; gone by `discard` or at the end of the process. */
export function makeTemporary(kind: string): string {
  const folder = asideOf(path.join(tmpdir(), `selfie-${kind}`));
  clearLeft(tmpdir());
  mkdirSync(folder, { mode: 0o700 });
  discardAtExit(folder);
  return folder;
}

/** Runs `body` with such a folder, which is gone afterwards. */
export async function withTemporary<T>(kind: string, body: (folder: string) => Promise<T>): Promise<T> {
  const folder = makeTemporary(kind);
  try {
    return await body(folder);
  } finally {
    discard(folder);
  }
}
