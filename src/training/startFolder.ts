/** What is written into a run's folder before its first step, and what of an earlier attempt goes. */
import { rmSync } from 'node:fs';
import { clearLeft } from '../base/aside';
import { runPaths, writeJson, writeRun } from '../run/runFolder';
import type { PreparedRun } from './prepare';

export function startFolder(
  directory: string,
  { settings, indices, validation, startStep, loadReport }: PreparedRun,
): void {
  const paths = runPaths(directory);
  clearLeft(paths.checkpoints);
  if (startStep === 0) {
    // Of a run that ended before its first checkpoint.
    for (const stale of [paths.tensorboard, paths.labels, paths.validation, paths.loadReport]) {
      rmSync(stale, { recursive: true, force: true });
    }
  }
  writeRun(directory, settings);
  const { labels, seed } = settings;
  if (labels !== null && indices) writeJson(paths.labels, { labels, seed, indices: Array.from(indices) });
  if (validation)
    writeJson(paths.validation, { validation: settings.validation, seed, indices: Array.from(validation) });
  if (loadReport) writeJson(paths.loadReport, loadReport);
}
