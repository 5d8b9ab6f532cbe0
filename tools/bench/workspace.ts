/** Temporary folders with a bundle and a batch, built in a process of their own. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { LoadedRecipe } from '../../graphs/recipes/load';
import type { Optimization } from '../../src/lowering/optimizations';
import { launch } from './launch';
import type { BenchOptions } from './options';
import { preparedSchema, type Order, type Prepared } from './prepare';

/** Builds the bundle of a recipe into `directory`. Throws a UserError where that fails. */
export async function prepareWorkspace(
  directory: string,
  { name, recipe }: LoadedRecipe,
  { wrap, timeoutSeconds }: Pick<BenchOptions, 'wrap' | 'timeoutSeconds'>,
  without: readonly Optimization[],
): Promise<Prepared> {
  const order: Order = { name, recipe, directory, without: [...without] };
  const command = [process.execPath, path.join(__dirname, 'prepare.js'), JSON.stringify(order)];
  return preparedSchema.parse(await launch({ command, wrap, timeoutSeconds }));
}

/** Runs `body` with a fresh folder that is gone afterwards, also where a signal ends the benchmark. */
export async function inWorkFolder<T>(body: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(path.join(tmpdir(), 'selfie-bench-'));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  process.once('exit', remove);
  try {
    return await body(folder);
  } finally {
    process.off('exit', remove);
    remove();
  }
}
