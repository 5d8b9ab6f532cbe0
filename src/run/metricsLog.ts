/** `metrics.jsonl`: one line a step; a resumed run cuts what its checkpoint does not know and goes on from there. */
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs';
import { writeFileAtomic } from '../base/files';

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

/** The lines of `file`; a last line that was cut off by a kill is left out. */
export function readMetrics(file: string): StepMetrics[] {
  return completeLines(file).map(parse);
}

const parse = (line: string) => JSON.parse(line) as StepMetrics;

function completeLines(file: string): string[] {
  if (!existsSync(file)) return [];
  return readFileSync(file, 'utf8').split('\n').slice(0, -1);
}

export class MetricsLog {
  private readonly fd: number;
  /** `elapsed_seconds` of the last line that was kept */
  readonly elapsedBefore: number;
  /** its `skipped_steps` */
  readonly skippedBefore: number;

  /** Opens `file` for the run that has finished `step` steps; lines of later steps are removed. */
  constructor(file: string, step: number) {
    const kept = completeLines(file).filter((line) => parse(line).step <= step);
    writeFileAtomic(file, kept.map((line) => `${line}\n`).join(''));
    const last = kept.length > 0 ? parse(kept[kept.length - 1]) : undefined;
    this.elapsedBefore = last?.elapsed_seconds ?? 0;
    this.skippedBefore = last?.skipped_steps ?? 0;
    this.fd = openSync(file, 'a');
  }

  write(metrics: StepMetrics): void {
    writeSync(this.fd, `${JSON.stringify(metrics)}\n`);
  }

  /** Makes the lines so far durable; called before a checkpoint that counts on them. */
  sync(): void {
    fsyncSync(this.fd);
  }

  close(): void {
    closeSync(this.fd);
  }
}
