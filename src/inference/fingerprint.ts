/** SHA-256 of files and texts, to tell whether what was begun goes on with the same. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { fileError } from '../base/files';

/** Of the files' bytes, one after another. UserError for one that cannot be read. */
export async function sha256(files: readonly string[]): Promise<string> {
  const hash = createHash('sha256');
  for (const file of files) {
    try {
      for await (const piece of createReadStream(file)) hash.update(piece as Buffer);
    } catch (error) {
      throw fileError('read', file, error);
    }
  }
  return hash.digest('hex');
}

/** Of the texts, each on a line. */
export function sha256Lines(lines: Iterable<string>): string {
  const hash = createHash('sha256');
  for (const line of lines) hash.update(`${line}\n`);
  return hash.digest('hex');
}
