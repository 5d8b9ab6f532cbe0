/** Files written whole or not at all, whatever interrupts the writing, and read whole or refused. */
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import path from 'node:path';

import { UserError } from './errors';

/** The most bytes that one call of the file system takes everywhere. */
const PIECE = 2 ** 30;

/**
 * Writes `data` (bytes, UTF-8 text, or pieces in order) to `file` through a temporary name beside it, a sync and a
 * rename: after a crash the old file or the new one is there, never a part. UserError where the system refuses.
 */
export function writeFileAtomic(file: string, data: Uint8Array | string | Iterable<Uint8Array>): void {
  const temporary = `${file}.${process.pid}-${randomBytes(4).toString('hex')}.tmp`;
  try {
    const fd = openSync(temporary, 'wx');
    try {
      for (const piece of pieces(data)) writeFully(fd, piece);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(temporary, file);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw fileError('write', file, error);
  }
  syncDirectory(path.dirname(file));
}

/**
 * As `writeFileAtomic`, for what takes long to make: `write` makes a new file of the temporary name that it is given.
 * Whatever `write` throws is thrown on, and the temporary file is gone.
 */
export async function replaceFile(file: string, write: (temporary: string) => Promise<void>): Promise<void> {
  const temporary = `${file}.${process.pid}-${randomBytes(4).toString('hex')}.tmp`;
  try {
    await write(temporary);
    moveIntoPlace(temporary, file);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw fileError('write', file, error);
  }
}

/** Gives a file that is written its name, in the place of another; on the disk once this returns. */
export function moveIntoPlace(written: string, file: string): void {
  const fd = openSync(written, 'r+');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(written, file);
  syncDirectory(path.dirname(file));
}

/** Makes the folder of a file that is to be written. UserError where that is not possible, or a folder has the file's name. */
export function prepareFile(option: string, file: string): void {
  try {
    mkdirSync(path.dirname(path.resolve(file)), { recursive: true });
    if (statSync(file, { throwIfNoEntry: false })?.isDirectory())
      throw new UserError(`${option} ${file}: is a folder; give the name of a file`);
  } catch (error) {
    throw fileError('write', file, error);
  }
}

/** A failed call of the file system as a UserError (`cannot write a.onnx: ENOSPC: no space left`); any other error as it is. */
export function fileError(action: string, file: string, error: unknown): unknown {
  // By its fields, not by its class: the system's errors are of another realm under vm-based runners.
  if (typeof error !== 'object' || error === null || !('code' in error && 'syscall' in error)) return error;
  const reason = 'message' in error ? String(error.message).split(',')[0] : String(error.code);
  return new UserError(`cannot ${action} ${file}: ${reason}`, { cause: error });
}

/** Fills `bytes` from `position` on; UserError for a file that ends before. */
export function readFully(fd: number, bytes: Uint8Array, position: number): void {
  for (let done = 0; done < bytes.length;) {
    const count = readSync(fd, bytes, done, Math.min(PIECE, bytes.length - done), position + done);
    if (count === 0) throw new UserError(`the file ends ${bytes.length - done} bytes early`);
    done += count;
  }
}

function pieces(data: Uint8Array | string | Iterable<Uint8Array>): Iterable<Uint8Array> {
  if (typeof data === 'string') return [Buffer.from(data, 'utf8')];
  return ArrayBuffer.isView(data) ? [data] : data;
}

function writeFully(fd: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length;) {
    done += writeSync(fd, bytes, done, Math.min(PIECE, bytes.length - done));
  }
}

/** Makes the rename itself durable; some systems (Windows) cannot sync a directory, and there the rename is enough. */
function syncDirectory(directory: string): void {
  try {
    const fd = openSync(directory, 'r');
    try {
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
  } catch {
    // The file is in place either way.
  }
}
