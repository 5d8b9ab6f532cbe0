/** What a run keeps of its validation: the examples that it keeps apart, and `validation.jsonl`, a line a measurement. */
import { existsSync, readFileSync } from 'node:fs';
import { z } from 'zod';
import { UserError } from '../base/errors';
import { parseJson, readRecords } from './records';
import { runPaths } from './runFolder';

const lineSchema = z.object({
  /** finished steps */
  step: z.number().int().positive(),
  /** examples */
  count: z.number().int(),
  loss: z.number(),
  accuracy: z.number(),
  /** null for pretraining and fewer than six classes */
  top5: z.number().nullable(),
});
export type ValidationMetrics = Readonly<z.infer<typeof lineSchema>>;

/** Masks and augmentation of an evaluation come from this seed, so that two evaluations can be compared. */
export const EVALUATION_SEED = 0;

/** The measurement of a line, or null where it is none. */
export const parseValidation = (line: string): ValidationMetrics | null =>
  lineSchema.safeParse(parseJson(line)).data ?? null;

/** The lines of `file` up to the first that is damaged; none where it is not there. */
export const readValidation = (file: string): ValidationMetrics[] =>
  readRecords(file, parseValidation).values;

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
