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
  private last: Promise<unknown> = Promise.resolve();

  /** @param seconds that a request may take beside what its file's size allows */
  constructor(private readonly seconds = SECONDS) {}

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

  /** One request after the other, as the thread answers them: a request's time is its own. */
  private ask(request: ParquetRequest): Promise<ParquetAnswer> {
    const answer = this.last.then(() => this.run(request));
    this.last = answer.catch(() => undefined);
    return answer;
  }

  private async run(request: ParquetRequest): Promise<ParquetAnswer> {
    const { file } = request;
    const seconds = this.seconds + sizeOf(file) / BYTES_A_SECOND;
    const refuse = (what: string, cause?: unknown) =>
      new UserError(`${file} cannot be read as Parquet: ${what}`, { cause });
    const calls = (this.calls ??= this.start());
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        // The next request gets a thread of its own.
        this.close();
        reject(refuse(`it takes longer than ${Math.round(seconds)} s; it is damaged`));
      }, 1000 * seconds);
    });
    try {
      return await Promise.race([calls.call(request), late]);
    } catch (error) {
      if (error instanceof UserError) throw error;
      if (!calls.hasEnded) throw refuse(String(error), error);
      this.close();
      throw refuse(`it takes more memory than ${HEAP_MIB} MiB (${String(error)}); it is damaged`, error);
    } finally {
      clearTimeout(timer);
    }
  }

  private start(): WorkerCalls<ParquetRequest, ParquetAnswer> {
    return new WorkerCalls(
      threadFile('src/data/sources/parquetWorker.js'),
      undefined,
      'the thread that reads Parquet',
      undefined,
      { resourceLimits: { maxOldGenerationSizeMb: HEAP_MIB }, idle: true },
    );
  }
}

function sizeOf(file: string): number {
  try {
    return statSync(file).size;
  } catch (error) {
    throw fileError('read', file, error);
  }
}
