/** All that a report says of one run, read from its folder. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { patchCounts } from '../bundle/checkRecipe';
import type { Manifest } from '../bundle/manifest';
import type { Bundle } from '../bundle/read';
import { readBundle } from '../bundle/read';
import { UserError } from '../errors';
import type { Checkpoint } from '../training/checkpoints';
import { listCheckpoints, readNewestCheckpoint } from '../training/checkpoints';
import type { LoadReport } from '../training/initFrom';
import type { StepMetrics } from '../training/metricsLog';
import { readRun, runPaths, type RunSettings } from '../training/runFolder';
import { readMetricsTolerant } from './metricsTail';

export interface RunView {
  readonly directory: string;
  /** differs from the other runs' */
  readonly name: string;
  readonly bundle: Bundle;
  /** null: not trained yet */
  readonly settings: RunSettings | null;
  readonly lines: readonly StepMetrics[];
  readonly loadReport: LoadReport | null;
  /** null: none yet */
  readonly checkpoint: Checkpoint | null;
}

const byPart = z.record(z.string(), z.array(z.string()));
const shape = z.array(z.number());
const reinitialized = z.object({ name: z.string(), source: shape, network: shape });
const loadReportSchema = z.object({
  source: z.string(),
  // reports of earlier versions have neither of these two
  averages: z.boolean().default(false),
  reinitialized: z.record(z.string(), z.array(reinitialized)).default({}),
  loaded: byPart,
  fresh: byPart,
  left: byPart,
});

/** Reads the folders. Throws a UserError for one that has no bundle, or damaged files. */
export function readRuns(directories: readonly string[], warn: (line: string) => void): RunView[] {
  return directories.map((directory, i) => {
    const name = path.basename(path.resolve(directory));
    const unique = directories.every((other, j) => i === j || path.basename(path.resolve(other)) !== name);
    const paths = runPaths(directory);
    const { lines, broken } = readMetricsTolerant(paths.metrics);
    if (broken > 0) warn(`${paths.metrics}: ${broken} lines are no metrics and are left out`);
    return {
      directory,
      name: unique ? name : directory,
      bundle: readBundle(directory),
      settings: readRun(directory),
      lines,
      loadReport: readLoadReport(paths.loadReport),
      checkpoint: listCheckpoints(directory).length > 0 ? readNewestCheckpoint(directory, warn) : null,
    };
  });
}

function readLoadReport(file: string): LoadReport | null {
  if (!existsSync(file)) return null;
  try {
    return loadReportSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch (error) {
    throw new UserError(`${file}: not a load report of \`selfie train\`; move it away`, { cause: error });
  }
}

/** The accuracy of guessing: of a place among the hidden ones, or of a class. */
export const chanceOf = ({ recipe }: Manifest) =>
  1 / (recipe.task === 'pretrain' ? patchCounts(recipe).hidden : recipe.network.classes);
