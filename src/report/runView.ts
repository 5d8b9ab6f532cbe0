/** All that a report says of one run, read from its folder. */
import path from 'node:path';
import { z } from 'zod';
import { patchCounts } from '../bundle/checkRecipe';
import type { Manifest } from '../bundle/manifest';
import type { Bundle } from '../bundle/read';
import { readBundle } from '../bundle/read';
import type { Checkpoint } from '../run/checkpoints';
import { listCheckpoints, readNewestCheckpoint } from '../run/checkpoints';
import type { LoadReport } from '../run/loadReport';
import { parseMetrics, type StepMetrics } from '../run/metricsLog';
import { readLoadReport, readRun, readStored, runPaths, type RunSettings } from '../run/runFolder';
import { parseValidation, type ValidationMetrics } from '../run/validationFile';
import type { Measurement } from '../draw/curves';
import { readRecords, type Records } from '../run/records';

export interface RunView {
  readonly directory: string;
  /** differs from the other runs' */
  readonly name: string;
  readonly bundle: Bundle;
  /** null: not trained yet */
  readonly settings: RunSettings | null;
  readonly lines: readonly StepMetrics[];
  readonly validation: readonly ValidationMetrics[];
  /** what `selfie knn` and `selfie linear-probe` found last; null: not asked */
  readonly knn: ProbeResult | null;
  readonly linearProbe: ProbeResult | null;
  readonly loadReport: LoadReport | null;
  /** null: none yet */
  readonly checkpoint: Checkpoint | null;
}

const probeResultSchema = z.object({
  step: z.number(),
  split: z.string(),
  labels: z.string().nullable(),
  accuracy: z.number(),
  interval: z.tuple([z.number(), z.number()]),
  chance: z.number(),
});
export type ProbeResult = z.infer<typeof probeResultSchema>;

/** Reads the folders. Throws a UserError for one that has no bundle, or damaged files. */
export function readRuns(directories: readonly string[], warn: (line: string) => void): RunView[] {
  const names = shortNames(directories);
  return directories.map((directory, i) => {
    const paths = runPaths(directory);
    const sound = <T extends { readonly step: number }>(file: string, records: Records<T>): T[] => {
      const problem = records.problem(file);
      if (problem !== null) warn(`${problem}; it and the lines behind it are left out`);
      return records.values;
    };
    return {
      directory,
      name: names[i],
      bundle: readBundle(directory),
      settings: readRun(directory),
      lines: sound(paths.metrics, readRecords(paths.metrics, parseMetrics)),
      validation: sound(paths.validationMetrics, readRecords(paths.validationMetrics, parseValidation)),
      knn: readStored(path.join(directory, 'knn.json'), probeResultSchema, 'a result of `selfie knn`'),
      linearProbe: readStored(
        path.join(directory, 'linear-probe.json'),
        probeResultSchema,
        'a result of `selfie linear-probe`',
      ),
      loadReport: readLoadReport(directory),
      checkpoint: listCheckpoints(directory).length > 0 ? readNewestCheckpoint(directory, warn) : null,
    };
  });
}

/** All that was measured while the run trained: the lines of steps, and those of validation under names of their own. */
export const measurements = (
  lines: readonly StepMetrics[],
  validation: readonly ValidationMetrics[],
): Measurement[] => [
  ...lines,
  ...validation.map(({ step, loss, accuracy, top5 }) => ({
    step,
    validation_loss: loss,
    validation_accuracy: accuracy,
    ...(top5 !== null && { validation_top5: top5 }),
  })),
];

/** The accuracy of guessing: of a place among the hidden ones, or of a class. */
export const chanceOf = ({ recipe }: Manifest) =>
  1 / (recipe.task === 'pretrain' ? patchCounts(recipe).hidden : recipe.network.classes);

/** The last part of each path, and of those that share it as many more as tell them apart: pages name no place of a machine. */
export function shortNames(directories: readonly string[]): string[] {
  const parts = directories.map((directory) => path.resolve(directory).split(path.sep));
  const tail = (i: number, length: number) => parts[i].slice(-length).join('/');
  return directories.map((_, i) => {
    let length = 1;
    const isShared = () => parts.some((_, j) => j !== i && tail(j, length) === tail(i, length));
    while (length < parts[i].length && isShared()) length++;
    return tail(i, length);
  });
}
