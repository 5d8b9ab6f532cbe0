/**
 * Several renames that happen together: a folder has what is to be moved and, from the moment that they shall happen, the list
 * of the moves. Whoever finds the folder of a dead process (aside.ts) does what is left of the list, however often it is begun.
 */
import { existsSync, linkSync, lstatSync, readFileSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';

/** From a name in the folder to a place beside the folder, both relative. */
export type Move = readonly [from: string, to: string];

/** In the folder: the moves in their order, once all that is to be moved is on the disk. */
export const MOVES_FILE = 'moves.json';

/** Does what is left of the moves of `folder`; of a folder without a list, or of a file, nothing. */
export function finishMoves(folder: string): void {
  const moves = readMoves(path.join(folder, MOVES_FILE));
  for (const each of placesOf(folder, moves)) {
    const { from, to, old } = each;
    if (!existsSync(from)) continue;
    if (lstatSync(to, { throwIfNoEntry: false }) && !existsSync(old)) keepOld(each);
    renameSync(from, to);
  }
}

/** Undoes what was done of the moves, and forgets them. */
export function undoMoves(folder: string): void {
  const list = path.join(folder, MOVES_FILE);
  for (const { from, to, old } of placesOf(folder, readMoves(list)).reverse()) {
    if (!existsSync(from)) renameSync(to, from);
    if (existsSync(old)) renameSync(old, to);
  }
  rmSync(list, { force: true });
}

interface Places {
  readonly from: string;
  readonly to: string;
  /** where what is replaced waits until all moves are done */
  readonly old: string;
}

const placesOf = (folder: string, moves: readonly Move[]): Places[] =>
  moves.map(([from, to], i) => ({
    from: path.join(folder, from),
    to: path.join(path.dirname(folder), to),
    old: path.join(folder, `old-${i}`),
  }));

/** A file stays in its place until the new one takes it; a folder cannot. */
function keepOld({ to, old }: Places): void {
  if (lstatSync(to).isFile()) {
    try {
      linkSync(to, old);
      return;
    } catch {
      // A file system without links.
    }
  }
  renameSync(to, old);
}

function readMoves(file: string): readonly Move[] {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Move[];
  } catch {
    return [];
  }
}
