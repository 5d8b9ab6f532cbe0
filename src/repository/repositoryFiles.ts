/** Files of a model repository, by the names that its configurations have for them: files with bytes, inside of it. */
import { lstatSync, realpathSync } from 'node:fs';
import path from 'node:path';
import { UserError } from '../base/errors';
import { fileError } from '../base/files';
import { readRegular, requireRegular } from '../base/regularFile';

/** Bytes of a file of text. */
const LONGEST_TEXT = 2 ** 24;

export class RepositoryFiles {
  private readonly root: string;

  /** UserError where the folder cannot be read. */
  constructor(readonly directory: string) {
    this.root = realpath(directory);
  }

  /** UserError where a folder or a file, through its links, lies outside of the repository. */
  requireInside(file: string): void {
    const relative = path.relative(this.root, realpath(file));
    if (relative.split(path.sep)[0] === '..' || path.isAbsolute(relative))
      throw new UserError(`${file} leads out of the repository ${this.directory}; copy the file into it`);
  }

  /** Whether there is such a file. UserError for what is no file, or outside of the repository. */
  has(file: string): boolean {
    if (lstatSync(file, { throwIfNoEntry: false }) === undefined) return false;
    this.requireInside(file);
    requireRegular(file);
    return true;
  }

  /** The text of a file; null: there is none. UserError as `has`, and for what is no text of sensible length. */
  readText(file: string): string | null {
    if (!this.has(file)) return null;
    const { size } = requireRegular(file);
    if (size > LONGEST_TEXT)
      throw new UserError(`${file} has ${size} bytes; at most ${LONGEST_TEXT} are taken`);
    return readRegular(file).toString('utf8');
  }
}

/** `name` as that of a file in a folder, not somewhere else. `where` says what gives it. */
export function requireFileName(name: string, where: string): string {
  if (name !== '' && name !== '.' && name !== '..' && !/[\\/\p{Cc}]/u.test(name)) return name;
  throw new UserError(
    `${where}: ${JSON.stringify(name)}: expected the name of a file in the version's folder`,
  );
}

/** `name` as a path below a folder. `where` says what gives it. */
export function requirePathBelow(name: string, where: string): string {
  const isBelow =
    name !== '' && !path.isAbsolute(name) && !name.split(/[\\/]/).includes('..') && !/\p{Cc}/u.test(name);
  if (isBelow) return name;
  throw new UserError(`${where}: ${JSON.stringify(name)}: expected a file in the model's folder`);
}

function realpath(file: string): string {
  try {
    return realpathSync(file);
  } catch (error) {
    throw fileError('read', file, error);
  }
}
