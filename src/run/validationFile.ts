/** What a run keeps of its validation: the examples that it keeps apart, and `validation.jsonl`, a line a measurement. */
import { existsSync, readFileSync } from 'node:fs';
import { z } from 'zod';
import { UserError } from '../base/errors';
import { runPaths } from './runFolder';

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
