/** Evaluation of a run on the part of its training data that is kept from training: `validation.jsonl`, a line a time. */
import { rmSync } from 'node:fs';
import { writeFileAtomic } from '../base/files';
import type { Manifest } from '../bundle/manifest';
import { createLoader } from '../data/batches/loader';
import type { StateSession } from '../runtime/stateSession';
import type { BrokenImages } from './broken';
import { evaluateState } from '../evaluation/evaluateState';
import { batchOptions } from '../evaluation/feeds';
import { keptRecords } from '../run/records';
import { type RunSettings, runPaths } from '../run/runFolder';
import { EVALUATION_SEED, parseValidation, type ValidationMetrics } from '../run/validationFile';

export class Validation {
  private readonly file: string;
  private lines: ValidationMetrics[];

  /** Of a run that has finished `step` steps: lines of later steps, and what is damaged, are removed. */
  constructor(
    directory: string,
    step: number,
    private readonly manifest: Manifest,
    private readonly settings: RunSettings,
    private readonly indices: Int32Array | undefined,
    private readonly workers: number | undefined,
    warn: (line: string) => void = () => undefined,
  ) {
    this.file = runPaths(directory).validationMetrics;
    this.lines = indices ? keptRecords(this.file, step, parseValidation, warn).values : [];
    if (this.lines.length > 0) this.store();
    else rmSync(this.file, { force: true });
  }

  /**
   * Evaluates the state that the session holds after `step` steps, adding to `broken` what is skipped; null where the run has
   * no validation examples.
   */
  async run(session: StateSession, step: number, broken: BrokenImages): Promise<ValidationMetrics | null> {
    if (!this.indices) return null;
    const loader = await createLoader({
      ...batchOptions(this.manifest, 'evaluate'),
      spec: this.settings.data,
      split: 'train',
      indices: this.indices,
      seed: EVALUATION_SEED,
      broken: this.settings.broken,
      workers: this.workers,
    });
    try {
      const result = await evaluateState(session, this.manifest, loader);
      broken.add([result]);
      const { count, loss, accuracy, top5 } = result;
      const line = { step, count, loss, accuracy, top5 };
      this.lines.push(line);
      this.store();
      return line;
    } finally {
      await loader.close();
    }
  }

  private store(): void {
    writeFileAtomic(this.file, this.lines.map((each) => `${JSON.stringify(each)}\n`).join(''));
  }
}
