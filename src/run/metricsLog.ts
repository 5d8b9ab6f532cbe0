/** `metrics.jsonl`: one line a step; a resumed run cuts what its checkpoint does not know and goes on from there. */
import { closeSync, fsyncSync, openSync } from 'node:fs';
import { z } from 'zod';
import { fileError, writeFileAtomic, writeFully } from '../base/files';
import { keptRecords, parseJson, readRecords } from './records';

export interface StepMetrics {
  /** finished steps, from 1 */
  readonly step: number;
  readonly epoch: number;
  readonly loss: number;
  readonly accuracy: number;
  readonly learning_rate: number;
  readonly images_per_second: number;
  /** fraction of the time since the last line that the session waited for data */
  readonly data_wait: number;
  /** of training, over all the pieces of an interrupted run */
  readonly elapsed_seconds: number;
  /**
   * what else the graph gives: `accuracy_top5`, `gradient_norm`; with `compute: float16` `skipped` and its sum over the run,
   * `skipped_steps`; of a probe, on the steps that it measured, `knn_accuracy`, `linear_accuracy`,
   * `probe_chance`, `embedding_spread`, `embedding_rank`
   */
  readonly [other: string]: number;
}

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
  // JSON has null for what is not finite, such as the norm of gradients that overflowed.
  .catchall(z.number().nullable());

/** The metrics of a line, those that are finite, or null where it is none. */
export function parseMetrics(line: string): StepMetrics | null {
  const json = parseJson(line);
  if (!lineSchema.safeParse(json).success) return null;
  // In the order of the line, which is that of columns and curves.
  return Object.fromEntries(
    Object.entries(json as object).filter(([, value]) => value !== null),
  ) as StepMetrics;
}

/** The lines of `file` up to the first that is damaged; one that is not finished does not count. */
export const readMetrics = (file: string): StepMetrics[] => readRecords(file, parseMetrics).values;

export class MetricsLog {
  private readonly fd: number;
  /** `elapsed_seconds` of the last line that was kept */
  readonly elapsedBefore: number;
  /** its `skipped_steps` */
  readonly skippedBefore: number;

  /** Opens `file` for the run that has finished `step` steps; lines of later steps, and what is damaged, are removed. */
  constructor(
    private readonly file: string,
    step: number,
    warn: (line: string) => void = () => undefined,
  ) {
    const { lines, values } = keptRecords(file, step, parseMetrics, warn);
    writeFileAtomic(file, lines.map((line) => `${line}\n`).join(''));
    this.elapsedBefore = values.at(-1)?.elapsed_seconds ?? 0;
    this.skippedBefore = values.at(-1)?.skipped_steps ?? 0;
    this.fd = openSync(file, 'a');
  }

  /** UserError where the system refuses, as in `sync`. */
  write(metrics: StepMetrics): void {
    this.try(() => writeFully(this.fd, Buffer.from(`${JSON.stringify(metrics)}\n`)));
  }

  /** Makes the lines so far durable; called before a checkpoint that counts on them. */
  sync(): void {
    this.try(() => fsyncSync(this.fd));
  }

  close(): void {
    closeSync(this.fd);
  }

  private try(body: () => void): void {
    try {
      body();
    } catch (error) {
      throw fileError('write', this.file, error);
    }
  }
}
