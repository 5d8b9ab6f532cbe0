/** `metrics.jsonl` while it grows: complete lines as they come. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { fileError } from '../base/files';
import { parseMetrics } from './metricsLog';
import { Records } from './records';

/** Follows a file; a file that was replaced or cut is read anew, as `--resume` does it. */
export class MetricsTail {
  records = new Records(parseMetrics);
  private offset = 0;
  private inode = -1;
  private rest: Buffer = Buffer.alloc(0);

  constructor(private readonly file: string) {}

  /** Reads what came since the last call. Returns the file's time of change in ms, or null where there is no file. */
  read(): number | null {
    let fd: number;
    try {
      fd = openSync(this.file, 'r');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw fileError('read', this.file, error);
      this.reset(-1);
      return null;
    }
    try {
      const { ino, size, mtimeMs } = fstatSync(fd);
      if (ino !== this.inode || size < this.offset) this.reset(ino);
      const bytes = Buffer.alloc(size - this.offset);
      const count = readSync(fd, bytes, 0, bytes.length, this.offset);
      this.offset += count;
      this.take(Buffer.concat([this.rest, bytes.subarray(0, count)]));
      return mtimeMs;
    } finally {
      closeSync(fd);
    }
  }

  private reset(inode: number): void {
    this.records = new Records(parseMetrics);
    this.offset = 0;
    this.inode = inode;
    this.rest = Buffer.alloc(0);
  }

  /** Keeps a last line without its end for the next time, as bytes: it may end inside a character. */
  private take(bytes: Buffer): void {
    const end = bytes.lastIndexOf('\n') + 1;
    this.rest = bytes.subarray(end);
    for (const line of bytes.subarray(0, end).toString('utf8').split('\n').slice(0, -1))
      this.records.add(line);
  }
}
