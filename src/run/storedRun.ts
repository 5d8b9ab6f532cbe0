/** What a resumed run goes on with: its run.json, or where a checkpoint came alone, what the checkpoint says of its run. */
import { UserError } from '../base/errors';
import { readNewestCheckpoint } from './checkpoints';
import { readRun, type RunSettings } from './runFolder';
import { BROWSER, identitySchema, type RunIdentity } from './runIdentity';

/**
 * Null where nothing was started in `directory`. A run that was started in a browser has no `data`: where the images lie here
 * only the caller knows. UserError for a damaged run.json or checkpoint.
 */
export function storedRun(directory: string, warn: (line: string) => void): Partial<RunSettings> | null {
  const stored = readRun(directory);
  if (stored) return stored;
  const checkpoint = readNewestCheckpoint(directory, warn);
  if (!checkpoint) return null;
  const { data, ...identity } = parseIdentity(checkpoint.file, checkpoint.run);
  warn(`${directory}: has no run.json; its options are those of ${checkpoint.file}`);
  return data.startsWith(BROWSER) ? identity : { data, ...identity };
}

function parseIdentity(file: string, text: string): RunIdentity {
  try {
    return identitySchema.parse(JSON.parse(text));
  } catch (error) {
    throw new UserError(`${file}: damaged metadata (run)`, { cause: error });
  }
}
