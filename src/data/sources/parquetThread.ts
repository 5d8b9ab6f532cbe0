/** Parquet files read in a thread of their own, within bounds of time and memory: see parquetWorker.ts. */
import { statSync } from 'node:fs';
import { threadFile } from '../../base/build';
import { UserError } from '../../base/errors';
import { fileError } from '../../base/files';
import { WorkerCalls } from '../../base/workerCalls';
import type { Metadata, ParquetAnswer, ParquetRequest } from './parquetWorker';

export type { Metadata } from './parquetWorker';

/** Seconds that a request may take, and bytes of its file for which it may take another one: far more than it ever does. */
const SECONDS = 10;
const BYTES_A_SECOND = 20e6;
/** Of values that are no bytes. */
const HEAP_MIB = 1024;

export class ParquetThread {
  private calls: WorkerCalls<ParquetRequest, ParquetAnswer> | undefined;

  /** The metadata of a file and the names of its columns. Errors as `column`. */
  async describe(file: string): Promise<{ metadata: Metadata; columns: readonly string[] }> {
    return (await this.ask({ file, read: null })) as { metadata: Metadata; columns: readonly string[] };
  }

  /** The values of a column. UserError for a file that is not there, is no Parquet file, or asks for more than it can hold. */
  async column(file: string, read: NonNullable<ParquetRequest['read']>): Promise<readonly unknown[]> {
    return (await this.ask({ file, read })) as readonly unknown[];
  }

  close(): void {
    void this.calls?.terminate();
    this.calls = undefined;
  }

  private async ask(request: ParquetRequest): Promise<ParquetAnswer> {
    const { file } = request;
    const seconds = SECONDS + sizeOf(file) / BYTES_A_SECOND;
    const tooMuch = (what: string) =>
      new UserError(`${file} cannot be read as Parquet: ${what}; it is damaged`);
    // A thread that broke is replaced: other files can still be read.
    if (this.calls?.hasEnded) this.calls = undefined;
    const calls = (this.calls ??= new WorkerCalls<ParquetRequest, ParquetAnswer>(
      threadFile('src/data/sources/parquetWorker.js'),
      undefined,
      'the thread that reads Parquet',
      (cause) => tooMuch(`it takes more memory than ${HEAP_MIB} MiB (${cause.message})`),
      { resourceLimits: { maxOldGenerationSizeMb: HEAP_MIB }, idle: true },
    ));
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        reject(tooMuch(`it takes longer than ${Math.round(seconds)} s`));
        void calls.terminate();
      }, 1000 * seconds);
    });
    try {
      return await Promise.race([calls.call(request), late]);
    } catch (error) {
      if (error instanceof UserError) throw error;
      throw new UserError(`${file} cannot be read as Parquet: ${String(error)}`, { cause: error });
    } finally {
      clearTimeout(timer);
    }
  }
}

function sizeOf(file: string): number {
  try {
    return statSync(file).size;
  } catch (error) {
    throw fileError('read', file, error);
  }
}
