/** Folders of things half made: gone when the process ends, by Ctrl-C too where a command ends at signals. */
import { rmSync } from 'node:fs';

const folders = new Set<string>();
let isWatched = false;
const remove = (folder: string) => rmSync(folder, { recursive: true, force: true });

/** Has `folder` removed at the end of the process, unless `discard` comes first. */
export function discardAtExit(folder: string): void {
  if (!isWatched) process.once('exit', () => folders.forEach(remove));
  isWatched = true;
  folders.add(folder);
}

export function discard(folder: string): void {
  folders.delete(folder);
  remove(folder);
}
