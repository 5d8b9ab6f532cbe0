/** Reads a file from front to back through a small window, and any part of it. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { fileError, readFully } from '../../base/files';
import { UserError } from '../../base/errors';

const WINDOW = 1 << 16;

export class ByteReader {
  readonly size: number;
  /** of the next byte */
  position = 0;
  private readonly descriptor: number;
  private window: Buffer = Buffer.alloc(0);
  private windowStart = 0;

  /**
   * @param file what errors call it, where its content was unpacked to `place`
   * @throws UserError where it cannot be opened
   */
  constructor(
    place: string,
    readonly file: string = place,
  ) {
    try {
      this.descriptor = openSync(place, 'r');
    } catch (error) {
      throw fileError('read', file, error);
    }
    this.size = fstatSync(this.descriptor).size;
  }

  /** The next `length` bytes, not to be kept. UserError where the file ends before. */
  take(length: number): Buffer {
    const from = this.position;
    this.skip(length);
    if (from < this.windowStart || from + length > this.windowStart + this.window.length) {
      if (length > WINDOW) return this.at(from, length);
      const window = Buffer.alloc(Math.min(WINDOW, this.size - from));
      this.window = window.subarray(0, readSync(this.descriptor, window, 0, window.length, from));
      this.windowStart = from;
    }
    const bytes = this.window.subarray(from - this.windowStart, from - this.windowStart + length);
    if (bytes.length < length) throw this.ends(from, length);
    return bytes;
  }

  /** Passes over `length` bytes, which must be there. */
  skip(length: number): void {
    if (this.position + length > this.size) throw this.ends(this.position, length);
    this.position += length;
  }

  /** Bytes up to the next line feed, which is passed over. */
  line(limit: number): string {
    let text = '';
    for (let i = 0; i < limit; i++) {
      const byte = this.take(1)[0];
      if (byte === 10) return text;
      text += String.fromCharCode(byte);
    }
    throw new UserError(
      `${this.file}: no end of the line within ${limit} bytes before byte ${this.position}`,
    );
  }

  /** `length` bytes from `offset` on, as a buffer of their own. */
  at(offset: number, length: number): Buffer {
    if (offset + length > this.size) throw this.ends(offset, length);
    const bytes = Buffer.alloc(length);
    readFully(this.descriptor, bytes, offset);
    return bytes;
  }

  close(): void {
    closeSync(this.descriptor);
  }

  private ends(offset: number, length: number): UserError {
    return new UserError(
      `${this.file} ends at byte ${this.size}, but ${length} bytes are to follow byte ${offset}; it is cut off or damaged`,
    );
  }
}

/** `length` bytes of `file` from `offset` on. The file is opened for this alone: a data set may have thousands. */
export async function readRange(file: string, offset: number, length: number): Promise<Buffer> {
  try {
    const handle = await open(file, 'r');
    try {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, offset);
      if (bytesRead < length) throw new UserError(`${file} was cut off while it was read`);
      return buffer;
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw fileError('read', file, error);
  }
}
