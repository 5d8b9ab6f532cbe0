/** `metrics.jsonl` while it grows: complete lines as they come, broken ones counted and passed over. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { z } from 'zod';
import { fileError } from '../base/files';
import type { StepMetrics } from './metricsLog';

const lineSchema = z
  .object({
    step: z.number().int().positive(),
    epoch: z.number(),
    loss: z.number(),
    accuracy: z.number(),
    learning_rate: z.number(),
    images_per_second: z.number(),
    data_wait: z.number(),
    elapsed_seconds: z.number(),
  })
  .catchall(z.number());

/** The metrics of a line, or null where it is none. */
export function parseMetrics(line: string): StepMetrics | null {
  let json: unknown;
  try {
    json = JSON.parse(line);
  } catch {
    return null;
  }
  const parsed = lineSchema.safeParse(json);
  return parsed.success ? parsed.data : null;
}

/** Follows a file; a file that was replaced or cut is read anew, as `--resume` does it. */
export class MetricsTail {
  /** by step, ascending: a step that comes again takes the place of the earlier and drops what followed */
  readonly lines: StepMetrics[] = [];
  /** complete lines that were not metrics */
  broken = 0;
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
    this.lines.length = 0;
    this.broken = 0;
    this.offset = 0;
    this.inode = inode;
    this.rest = Buffer.alloc(0);
  }

  /** Keeps a last line without its end for the next time, as bytes: it may end inside a character. */
  private take(bytes: Buffer): void {
    const end = bytes.lastIndexOf('\n') + 1;
    this.rest = bytes.subarray(end);
    for (const line of bytes.subarray(0, end).toString('utf8').split('\n').slice(0, -1)) {
      const metrics = parseMetrics(line);
      if (metrics === null) {
        this.broken++;
        continue;
      }
      while (this.lines.length > 0 && this.lines[this.lines.length - 1].step >= metrics.step)
        this.lines.pop();
      this.lines.push(metrics);
    }
  }
}

/** The file as it is now. */
export function readMetricsTolerant(file: string): Pick<MetricsTail, 'lines' | 'broken'> {
  const tail = new MetricsTail(file);
  tail.read();
  return tail;
}
