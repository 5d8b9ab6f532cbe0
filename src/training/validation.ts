/** Evaluation of a run on the part of its training data that is kept from training: `validation.jsonl`, a line a time. */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { z } from 'zod';
import { writeFileAtomic } from '../atomic';
import type { Manifest } from '../bundle/manifest';
import { createLoader } from '../data/loader';
import { UserError } from '../errors';
import type { StateSession } from '../runtime/stateSession';
import type { BrokenImages } from './broken';
import { evaluateState } from './evaluateState';
import { batchOptions } from './feeds';
import { type RunSettings, runPaths } from './runFolder';

export interface ValidationMetrics {
  /** finished steps */
  readonly step: number;
  /** examples */
  readonly count: number;
  readonly loss: number;
  readonly accuracy: number;
  /** null for pretraining and fewer than six classes */
  readonly top5: number | null;
}

/** Masks and augmentation of an evaluation come from this seed, so that two evaluations can be compared. */
export const EVALUATION_SEED = 0;

/** The lines of `file`; none where it is not there. UserError where it is damaged. */
export function readValidation(file: string): ValidationMetrics[] {
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1);
  try {
    return lines.map((line) => JSON.parse(line) as ValidationMetrics);
  } catch (error) {
    throw new UserError(`${file} is damaged`, { cause: error });
  }
}

/** The validation examples of the run in `directory`. UserError where it has none. */
export function readValidationIndices(directory: string): Int32Array {
  const file = runPaths(directory).validation;
  if (!existsSync(file)) {
    throw new UserError(
      `${file} is not there; only a run that was trained with --validation has such a split`,
    );
  }
  const parsed = z.object({ indices: z.array(z.number().int().nonnegative()) });
  try {
    return Int32Array.from(parsed.parse(JSON.parse(readFileSync(file, 'utf8'))).indices);
  } catch (error) {
    throw new UserError(`${file} is damaged`, { cause: error });
  }
}

export class Validation {
  private readonly file: string;
  private lines: ValidationMetrics[];

  /** Of a run that has finished `step` steps: lines of later steps are removed. */
  constructor(
    directory: string,
    step: number,
    private readonly manifest: Manifest,
    private readonly settings: RunSettings,
    private readonly indices: Int32Array | undefined,
    private readonly workers: number | undefined,
  ) {
    this.file = runPaths(directory).validationMetrics;
    this.lines = indices ? readValidation(this.file).filter((line) => line.step <= step) : [];
    if (!indices) rmSync(this.file, { force: true });
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
      writeFileAtomic(this.file, this.lines.map((each) => `${JSON.stringify(each)}\n`).join(''));
      return line;
    } finally {
      await loader.close();
    }
  }
}
