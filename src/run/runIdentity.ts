/** What a run is, however and wherever it is run: `run.json` and every checkpoint have it. */
import { z } from 'zod';
import { BROKEN } from '../base/broken';

/** What decides the losses and weights of a run besides its bundle. */
export const identitySchema = z.strictObject({
  data: z.string(),
  /** subset of the examples (`5%`, `4000`, `60/class`), null for all */
  labels: z.string().nullable(),
  /** part of the training data that is kept from training and evaluated, null for none */
  validation: z.string().nullable().default(null),
  /** where consistency training takes its images from; null: from `data`, or nowhere */
  unlabelled: z.string().nullable().default(null),
  /** images that cannot be decoded end the run or are skipped */
  broken: z.enum(BROKEN).default('fail'),
  seed: z.number().int().nonnegative(),
  steps: z.number().int().nonnegative(),
  initFrom: z.string().nullable(),
  /** batches a step */
  accumulate: z.number().int().positive(),
});
export type RunIdentity = z.infer<typeof identitySchema>;

/** Begins `data` where the images were given to a page: no source that can be opened elsewhere. */
export const BROWSER = 'browser:';
