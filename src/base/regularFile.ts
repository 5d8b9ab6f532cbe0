/** Whether a name is that of a file with bytes: reading a pipe or a device would wait for ever or never end. */
import { readFileSync, statSync, type Stats } from 'node:fs';
import { UserError } from './errors';
import { fileError } from './files';

/** What is there, through links. UserError where there is nothing, or no file. */
export function requireRegular(file: string): Stats {
  let found: Stats;
  try {
    found = statSync(file);
  } catch (error) {
    throw fileError('read', file, error);
  }
  if (found.isFile()) return found;
  throw new UserError(`cannot read ${file}: it is ${kindOf(found)}, not a file`);
}

/** The bytes of a file. UserError where there is none, or the system refuses. */
export function readRegular(file: string): Buffer {
  requireRegular(file);
  try {
    return readFileSync(file);
  } catch (error) {
    throw fileError('read', file, error);
  }
}

function kindOf(found: Stats): string {
  if (found.isDirectory()) return 'a folder';
  if (found.isFIFO()) return 'a pipe';
  if (found.isSocket()) return 'a socket';
  return 'a device';
}
