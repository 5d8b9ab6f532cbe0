/** What a run is, however and wherever it is run: `run.json` and every checkpoint have it. */
import { z } from 'zod';
import { BROKEN } from '../base/broken';

/** What the images are, wherever they lie: see content.ts. Names and sizes of the images stand for their pixels: reading all of them would take as long as an epoch. */
export const contentSchema = z.strictObject({
  images: z.number().int().nonnegative(),
  /** SHA-256 of name and stored size of each image, in order */
  sha256: z.string(),
  /** class names in order of their labels; null: labels are not used */
  classes: z.array(z.string()).nullable(),
  /** SHA-256 of the labels, in order of the images; null: as above */
  labels: z.string().nullable(),
});
export type Content = z.infer<typeof contentSchema>;

/** What decides the losses and weights of a run besides its bundle. */
export const identitySchema = z.strictObject({
  /** where the images lay: what counts is `content` */
  data: z.string(),
  /** of the training split; null: from a page, or a run of an older version */
  content: contentSchema.nullable().default(null),
  /** subset of the examples (`5%`, `4000`, `60/class`), null for all */
  labels: z.string().nullable(),
  /** part of the training data that is kept from training and evaluated, null for none */
  validation: z.string().nullable().default(null),
  /** where consistency training takes its images from; null: from `data`, or nowhere */
  unlabelled: z.string().nullable().default(null),
  /** null: as above, or they are those of `data` */
  unlabelledContent: contentSchema.nullable().default(null),
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
