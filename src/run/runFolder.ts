/** A run's folder: its files, and `run.json`, the options that a resumed run must share. */
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { PROVIDERS } from '../base/providers';
import { writeFileAtomic } from '../base/files';
import { UserError } from '../base/errors';
import { loadReportSchema, type LoadReport } from './loadReport';
import { identitySchema, type RunIdentity } from './runIdentity';

const runSchema = z.strictObject({
  formatVersion: z.literal(1),
  ...identitySchema.shape,
  /** class names of the data; null: unlabelled */
  classes: z.array(z.string()).nullable(),
  /** how it is run: may change when it is resumed */
  provider: z.enum(PROVIDERS),
  threads: z.number().int().positive(),
  stepsPerRun: z.number().int().positive(),
  checkpointEvery: z.number().int().positive(),
  keepCheckpoints: z.number().int().positive(),
});
export type RunSettings = z.infer<typeof runSchema>;

/** The option of `selfie train` behind a key. */
const OPTION: Readonly<Record<Exclude<keyof RunIdentity, 'content' | 'unlabelledContent'>, string>> = {
  data: '--data',
  labels: '--labels',
  validation: '--validation',
  unlabelled: '--unlabelled',
  broken: '--broken',
  seed: '--seed',
  steps: '--steps',
  initFrom: '--init-from',
  accumulate: '--accumulate',
};

/** Paths inside a run folder. */
export function runPaths(directory: string) {
  const inside = (name: string) => path.join(directory, name);
  return {
    run: inside('run.json'),
    labels: inside('labels.json'),
    /** indices of the validation examples in the training data */
    validation: inside('validation.json'),
    validationMetrics: inside('validation.jsonl'),
    loadReport: inside('load-report.json'),
    metrics: inside('metrics.jsonl'),
    tensorboard: inside('tensorboard'),
    checkpoints: inside('checkpoints'),
  };
}

/** The stored settings, or null where nothing was started here. UserError for a damaged file. */
export function readRun(directory: string): RunSettings | null {
  const file = runPaths(directory).run;
  if (!existsSync(file)) return null;
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new UserError(`${file}: not JSON; move it away to start this run anew`, { cause: error });
  }
  const parsed = runSchema.safeParse(json);
  if (!parsed.success) {
    const problem = z.prettifyError(parsed.error).replace(/\s*\n\s*/g, ' ');
    throw new UserError(`${file}: ${problem}; move it away to start this run anew`);
  }
  return parsed.data;
}

/** A JSON file of a run; null where it is not there. `what` is for the message. */
export function readStored<T>(file: string, schema: z.ZodType<T>, what: string): T | null {
  if (!existsSync(file)) return null;
  try {
    return schema.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch (error) {
    throw new UserError(`${file}: not ${what}; move it away`, { cause: error });
  }
}

/** What was taken when the run started from other weights; null where it did not. */
export const readLoadReport = (directory: string): LoadReport | null =>
  readStored(runPaths(directory).loadReport, loadReportSchema, 'a load report of `selfie train`');

export function writeRun(directory: string, run: RunSettings): void {
  mkdirSync(directory, { recursive: true });
  writeJson(runPaths(directory).run, run);
}

export function writeJson(file: string, value: unknown): void {
  writeFileAtomic(file, `${JSON.stringify(value, null, 2)}\n`);
}

export function identityOf(run: RunSettings): RunIdentity {
  const { data, content, labels, validation, unlabelled, unlabelledContent, broken } = run;
  const { seed, steps, initFrom, accumulate } = run;
  const images = { data, content, labels, validation, unlabelled, unlabelledContent, broken };
  return { ...images, seed, steps, initFrom, accumulate };
}

/**
 * Throws a UserError that names the first option given (not undefined) that is not the stored run's. Where images lie may
 * differ, as long as it is known what they are: `requireContent` compares that.
 */
export function requireSameIdentity(
  directory: string,
  stored: Partial<RunIdentity>,
  given: Partial<Readonly<Record<keyof typeof OPTION, string | number>>>,
): void {
  const elsewhere: Partial<Record<keyof typeof OPTION, unknown>> = {
    data: stored.content,
    unlabelled: stored.unlabelledContent,
  };
  for (const key of Object.keys(OPTION) as (keyof typeof OPTION)[]) {
    const value = given[key];
    const before = stored[key];
    if (value === undefined || before === undefined || value === before || elsewhere[key]) continue;
    const started = before === null ? `without ${OPTION[key]}` : `with ${OPTION[key]} ${before}`;
    throw new UserError(
      `${OPTION[key]} ${value}: the run in ${directory} was started ${started}; resume it with the same or train in another folder`,
    );
  }
}
