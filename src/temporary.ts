/** Folders of things half made: gone when the process ends, by Ctrl-C too where a command ends at signals. */
import { rmSync } from 'node:fs';

const folders = new Set<string>();
const remove = (folder: string) => rmSync(folder, { recursive: true, force: true });

/** Has `folder` removed at the end of the process, unless `discard` comes first. */
export function discardAtExit(folder: string): void {
  if (folders.size === 0) process.once('exit', () => folders.forEach(remove));
  folders.add(folder);
}

export function discard(folder: string): void {
  folders.delete(folder);
  remove(folder);
}
