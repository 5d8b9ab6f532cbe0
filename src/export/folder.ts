/** Exports that are folders: there whole or not at all, and in the place of nothing but an earlier one of the same format. */
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { fileError, writeFileAtomic } from '../base/files';
import { UserError } from '../base/errors';
import { Staging } from '../base/staging';

/** Says in the folder which export it is and which files belong to it. */
export const LIST_FILE = 'selfie-export.json';
/** Errors of a folder beside which nothing can be put, or which cannot be replaced. */
const NOT_BESIDE = ['EACCES', 'EBUSY', 'EPERM', 'EROFS', 'EXDEV'];
const listSchema = z.object({ format: z.string(), files: z.array(z.string()) });

/** What `write` puts into a folder becomes `out`. UserError where something else lies there, or the system refuses. */
export async function replaceFolder<T>(
  out: string,
  format: string,
  write: (folder: string) => Promise<T>,
): Promise<T> {
  const place = path.resolve(out);
  let staging: Staging | undefined;
  try {
    staging = new Staging(place);
    requireReplaceable(out, format);
    const temporary = staging.inside('new');
    mkdirSync(temporary);
    const result = await write(temporary);
    const files = [...filesIn(temporary), LIST_FILE].sort();
    writeFileAtomic(path.join(temporary, LIST_FILE), `${JSON.stringify({ format, files }, null, 2)}\n`);
    // it took a while: something may have come to lie there
    requireReplaceable(out, format);
    staging.commit([['new', place]]);
    return result;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException | null)?.code ?? '';
    if (existsSync(place) && NOT_BESIDE.includes(code))
      throw new UserError(
        `--out ${out}: ${code}; it appears whole, for which ${path.dirname(place)} must be writable and of the same disk; give a folder inside it`,
        { cause: error },
      );
    throw fileError('write', out, error);
  } finally {
    staging?.close();
  }
}

/** Throws a UserError where `out` is there and neither empty nor an earlier export of that format and nothing else. */
export function requireReplaceable(out: string, format: string): void {
  if (!existsSync(out)) return;
  const refuse = (why: string) => new UserError(`--out ${out}: ${why}; give another folder or move it away`);
  if (!statSync(out).isDirectory()) throw refuse('is no folder');
  const there = filesIn(out);
  if (there.length === 0) return;
  const list = readList(path.join(out, LIST_FILE));
  if (list?.format !== format) throw refuse(`is there and no earlier export with --to ${format}`);
  const foreign = there.find((name) => !list.files.includes(name));
  if (foreign !== undefined) throw refuse(`also has ${foreign}, which no export put there`);
}

/** Relative to the folder, with `/`. */
const filesIn = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => !lstatSync(path.join(folder, name)).isDirectory())
    .map((name) => name.split(path.sep).join('/'));

function readList(file: string): z.infer<typeof listSchema> | null {
  try {
    return listSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch {
    return null;
  }
}
