/** One training of the grid: build, train, measure on validation; and its measure on the test split, at the end. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { writeFileAtomic } from '../base/files';
import { waitUnlocked } from '../base/folderLock';
import { mean } from '../base/statistics';
import { listCheckpoints } from '../run/checkpoints';
import { readMetrics } from '../run/metricsLog';
import { readStored } from '../run/runFolder';
import { readValidation } from '../run/validationFile';
import type { Children } from './children';

export interface RunPlan {
  readonly directory: string;
  readonly recipe: string;
  /** `--set` of build-graph */
  readonly set: Readonly<Record<string, unknown>>;
  /** options of `train` by name; undefined is left out */
  readonly options: Readonly<Record<string, string | number | undefined>>;
}

const resultSchema = z.object({
  /** accuracy on the validation split after the last step, null without one */
  validation: z.number().nullable(),
  /** loss and accuracy on training batches, means over the last tenth of the steps */
  loss: z.number(),
  accuracy: z.number(),
  /** of training, in all its pieces */
  seconds: z.number(),
});
export type RunResult = z.infer<typeof resultSchema>;

const testSchema = z.object({ accuracy: z.number(), count: z.number().int() });
export type TestResult = z.infer<typeof testSchema>;

const file = (directory: string, name: string) => path.join(directory, name);

export const readResult = (directory: string) =>
  readStored(file(directory, 'result.json'), resultSchema, 'a result of `selfie experiment`');

export const readTest = (directory: string) =>
  readStored(file(directory, 'test.json'), testSchema, 'a result of `selfie experiment`');

/** `--name value` for each that is given. */
const flags = (options: RunPlan['options']): string[] =>
  Object.entries(options).flatMap(([name, value]) =>
    value === undefined ? [] : [`--${name}`, String(value)],
  );

/** Seconds that a step may take. */
const ENDING = 60;

/** Builds and trains the run, or goes on with it. Errors as `Children.run`. */
export async function train(children: Children, plan: RunPlan): Promise<RunResult> {
  const { directory, recipe, set, options } = plan;
  const log = file(directory, 'log.txt');
  if (!existsSync(file(directory, 'graph/manifest.json'))) {
    const sets = Object.entries(set).flatMap(([key, value]) => ['--set', `${key}=${JSON.stringify(value)}`]);
    await children.run(['build-graph', recipe, ...sets, '--out', directory], log);
  }
  // A training of an experiment that was killed ends by itself, after the step that it is in.
  await waitUnlocked(directory, ENDING);
  const resume = listCheckpoints(directory).length > 0 ? ['--resume'] : [];
  await children.run(['train', directory, ...flags(options), '--keep', '1', ...resume], log);
  const lines = readMetrics(file(directory, 'metrics.jsonl'));
  const last = lines.slice(-Math.ceil(lines.length / 10));
  const average = (key: string) => mean(last.map((line) => line[key]));
  const result: RunResult = {
    validation: readValidation(file(directory, 'validation.jsonl')).at(-1)?.accuracy ?? null,
    loss: average('loss'),
    accuracy: average('accuracy'),
    seconds: lines.at(-1)?.elapsed_seconds ?? 0,
  };
  writeFileAtomic(file(directory, 'result.json'), `${JSON.stringify(result)}\n`);
  return result;
}

/** Measures a finished run on the test split. Errors as `Children.run`. */
export async function test(
  children: Children,
  directory: string,
  options: RunPlan['options'],
): Promise<TestResult> {
  const output = await children.run(
    ['evaluate', directory, '--split', 'test', '--json', ...flags(options)],
    file(directory, 'log.txt'),
  );
  const { accuracy, count } = testSchema.parse(JSON.parse(output));
  writeFileAtomic(file(directory, 'test.json'), `${JSON.stringify({ accuracy, count })}\n`);
  return { accuracy, count };
}
