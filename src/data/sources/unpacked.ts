/** Gzipped archives, unpacked once for all threads of a process: their members are read from anywhere. */
import { createHash } from 'node:crypto';
import {
  closeSync,
  createReadStream,
  createWriteStream,
  existsSync,
  openSync,
  readSync,
  realpathSync,
  renameSync,
  rmSync,
} from 'node:fs';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { isMainThread, threadId } from 'node:worker_threads';
import { createGunzip } from 'node:zlib';
import { UserError } from '../../base/errors';
import { fileError } from '../../base/files';
import { requireRegular } from '../../base/regularFile';
import { makeTemporary } from '../../base/temporary';

/** Where the main thread says the others where its folder is: they are made with its environment. */
const FOLDER = 'SELFIE_UNPACKED';
/** That of another process is nobody's here. */
let folder: string | undefined;

function folderOf(): string {
  const given = isMainThread ? undefined : process.env[FOLDER];
  folder ??= given ?? makeTemporary('unpacked');
  if (isMainThread) process.env[FOLDER] = folder;
  return folder;
}

/**
 * `file`, or where it is gzipped, its content as a file that is gone when the process ends.
 * @throws UserError where it cannot be read or unpacked, or the system's temporary folder is full
 */
export async function unpacked(file: string): Promise<string> {
  const { size, mtimeMs } = requireRegular(file);
  let key: string;
  try {
    if (!isGzip(file)) return file;
    key = createHash('sha256')
      .update(`${realpathSync(file)}\n${size}\n${mtimeMs}`)
      .digest('hex');
  } catch (error) {
    throw fileError('read', file, error);
  }
  const place = path.join(folderOf(), `${key}.tar`);
  if (existsSync(place)) return place;
  const partial = `${place}.${threadId}`;
  try {
    await pipeline(createReadStream(file), createGunzip(), createWriteStream(partial));
    renameSync(partial, place);
    return place;
  } catch (error) {
    rmSync(partial, { force: true });
    if ((error as NodeJS.ErrnoException).code?.startsWith('Z_'))
      throw new UserError(`${file} cannot be unpacked: its gzip data is cut off or damaged`, {
        cause: error,
      });
    throw fileError(`unpack to ${path.dirname(place)}`, file, error);
  }
}

function isGzip(file: string): boolean {
  const start = Buffer.alloc(2);
  const descriptor = openSync(file, 'r');
  try {
    return readSync(descriptor, start, 0, 2, 0) === 2 && start.readUInt16BE(0) === 0x1f8b;
  } finally {
    closeSync(descriptor);
  }
}
