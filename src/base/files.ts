/** Files written whole or not at all, whatever interrupts the writing, and read whole or refused. */
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

import { asideOf, clearLeft } from './aside';
import { UserError } from './errors';
import { discard, discardAtExit } from './temporary';

/** The most bytes that one call of the file system takes everywhere. */
const PIECE = 2 ** 30;

/**
 * Writes `data` (bytes, UTF-8 text, or pieces in order) to `file` through a temporary name beside it, a sync and a
 * rename: after a crash the old file or the new one is there, never a part. UserError where the system refuses.
 */
export function writeFileAtomic(file: string, data: Uint8Array | string | Iterable<Uint8Array>): void {
  clearLeft(path.dirname(file));
  const temporary = asideOf(file);
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
 * Whatever `write` throws is thrown on, and the temporary file is gone; also where the process ends before.
 */
export async function replaceFile(file: string, write: (temporary: string) => Promise<void>): Promise<void> {
  clearLeft(path.dirname(file));
  const temporary = asideOf(file);
  discardAtExit(temporary);
  try {
    await write(temporary);
    syncFile(temporary);
    renameSync(temporary, file);
  } catch (error) {
    throw fileError('write', file, error);
  } finally {
    discard(temporary);
  }
  syncDirectory(path.dirname(file));
}

/** Makes the folder of a file that is to be written. UserError where that is not possible, or a folder has the file's name. */
export function prepareFile(option: string, file: string): void {
  try {
    mkdirSync(path.dirname(path.resolve(file)), { recursive: true });
    clearLeft(path.dirname(path.resolve(file)));
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

/** Writes all of `bytes` at `position`, or where the file is. */
export function writeFully(fd: number, bytes: Uint8Array, position: number | null = null): void {
  for (let done = 0; done < bytes.length;) {
    const at = position === null ? null : position + done;
    done += writeSync(fd, bytes, done, Math.min(PIECE, bytes.length - done), at);
  }
}

/** Has what was written to a file on the disk. */
export function syncFile(file: string): void {
  // Windows syncs only what may be written.
  const fd = openSync(file, process.platform === 'win32' ? 'r+' : 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** Makes the names in it durable; some systems (Windows) cannot sync a directory, and there a rename is enough. */
export function syncDirectory(directory: string): void {
  try {
    syncFile(directory);
  } catch {
    // The file is in place either way.
  }
}
