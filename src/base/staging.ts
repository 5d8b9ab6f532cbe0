/** Things that take long to make, or are several, made aside: they get their places together, whole and synced, or none does. */
import { lstatSync, mkdirSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { asideOf, clearLeft } from './aside';
import { fileError, syncDirectory, syncFile, writeFileAtomic } from './files';
import { finishMoves, MOVES_FILE, undoMoves, type Move } from './moves';
import { discard, discardAtExit, keep } from './temporary';

export class Staging {
  /** where they are made */
  readonly folder: string;
  private isHalfMoved = false;

  /** @param place what is made; the folder is beside it */
  constructor(place: string) {
    const resolved = path.resolve(place);
    const parent = path.dirname(resolved);
    this.folder = asideOf(resolved);
    mkdirSync(parent, { recursive: true });
    clearLeft(parent);
    mkdirSync(this.folder);
    discardAtExit(this.folder);
  }

  inside(...names: string[]): string {
    return path.join(this.folder, ...names);
  }

  /**
   * Gives each of `moves`, a name in the folder and a path, its place, which must be of the same disk. What was there before is
   * there again where one fails; where the process is killed, whoever writes or reads there next does the rest (`clearLeft`).
   */
  commit(moves: readonly Move[]): void {
    const parent = path.dirname(this.folder);
    const listed = moves.map(([from, to]) => [from, path.relative(parent, path.resolve(to))]);
    for (const [from] of moves) syncAll(this.inside(from));
    writeFileAtomic(this.inside(MOVES_FILE), JSON.stringify(listed));
    this.isHalfMoved = true;
    try {
      finishMoves(this.folder);
    } catch (error) {
      undoMoves(this.folder);
      this.isHalfMoved = false;
      throw error;
    }
    for (const [, to] of moves) syncDirectory(path.dirname(path.resolve(to)));
    this.isHalfMoved = false;
  }

  /** Removes the folder; but not where moves could neither be done nor undone, for then it has what was there before. */
  close(): void {
    (this.isHalfMoved ? keep : discard)(this.folder);
  }
}

/** Makes `place`, and what comes with it, by `write`, which commits; nothing else stays. UserError where the system refuses. */
export async function stage<T>(place: string, write: (staging: Staging) => Promise<T> | T): Promise<T> {
  let staging: Staging | undefined;
  try {
    staging = new Staging(place);
    return await write(staging);
  } catch (error) {
    throw fileError('write', place, error);
  } finally {
    staging?.close();
  }
}

/** A file, or a folder with all that is in it. */
function syncAll(place: string): void {
  const stat = lstatSync(place);
  if (stat.isFile()) syncFile(place);
  if (!stat.isDirectory()) return;
  for (const name of readdirSync(place)) syncAll(path.join(place, name));
  syncDirectory(place);
}
