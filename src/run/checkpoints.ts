/** Checkpoints: `checkpoints/step-<n>.safetensors`, the whole state after n steps, written atomically, last K kept. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import type { Manifest } from '../bundle/manifest';
import { UserError } from '../base/errors';
import { readSafetensors, writeSafetensors } from '../tensors/safetensors';
import { type Checkpoint, checkpointMetadata, checksumPieces, parseCheckpoint } from './checkpointFormat';
import { runPaths } from './runFolder';
import type { RunIdentity } from './runIdentity';
import type { State } from './stateTypes';

export type { Checkpoint } from './checkpointFormat';

export interface CheckpointFile {
  readonly step: number;
  readonly file: string;
}

/** The checkpoints of a run folder, newest first. */
export function listCheckpoints(directory: string): CheckpointFile[] {
  const folder = runPaths(directory).checkpoints;
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .flatMap((name) => {
      const match = /^step-(\d+)\.safetensors$/.exec(name);
      return match ? [{ step: Number(match[1]), file: path.join(folder, name) }] : [];
    })
    .sort((a, b) => b.step - a.step);
}

/** Writes the checkpoint of `step`, then removes all but the newest `keep`. Returns its path. */
export function writeCheckpoint(
  directory: string,
  manifest: Manifest,
  run: RunIdentity,
  { step, dataPosition, state }: Pick<Checkpoint, 'step' | 'dataPosition' | 'state'>,
  keep: number,
): string {
  const folder = runPaths(directory).checkpoints;
  mkdirSync(folder, { recursive: true });
  const file = path.join(folder, `step-${step}.safetensors`);
  const metadata = checkpointMetadata(manifest, run, { step, dataPosition }, checksum(state));
  writeSafetensors(file, state, metadata);
  for (const old of listCheckpoints(directory).slice(keep)) rmSync(old.file, { force: true });
  return file;
}

/** Reads one checkpoint; UserError where the file is missing, damaged or not a checkpoint. */
export function readCheckpoint(file: string): Checkpoint {
  const { sha256, ...checkpoint } = parseCheckpoint(file, readSafetensors(file));
  if (checksum(checkpoint.state) !== sha256)
    throw new UserError(`${file}: damaged (its checksum does not match)`);
  return checkpoint;
}

/**
 * The newest checkpoint that can be read, or null where there is none. `warn` gets a line for each damaged one that is
 * passed over; where all are damaged, the last one's error is thrown.
 */
export function readNewestCheckpoint(directory: string, warn: (line: string) => void): Checkpoint | null {
  const files = listCheckpoints(directory);
  for (const [i, { file }] of files.entries()) {
    try {
      return readCheckpoint(file);
    } catch (error) {
      if (!(error instanceof UserError) || i === files.length - 1) throw error;
      warn(`${error.message}; taking the one before, step ${files[i + 1].step}`);
    }
  }
  return null;
}

/**
 * The checkpoint that evaluation and export use: `which` is a step, a file, or undefined for the newest.
 * UserError where it is not there.
 */
export function pickCheckpoint(
  directory: string,
  which: string | number | undefined,
  warn: (line: string) => void,
): Checkpoint {
  if (typeof which === 'string' && !/^\d+$/.test(which)) return readCheckpoint(which);
  const files = listCheckpoints(directory);
  if (which === undefined) {
    const newest = readNewestCheckpoint(directory, warn);
    if (newest) return newest;
    throw new UserError(`${directory}: no checkpoint yet; train it with \`selfie train ${directory}\``);
  }
  const found = files.find(({ step }) => step === Number(which));
  if (found) return readCheckpoint(found.file);
  const there =
    files.length > 0 ? `there are steps ${files.map(({ step }) => step).join(', ')}` : 'there are none';
  throw new UserError(`${directory}: no checkpoint of step ${which}; ${there}`);
}

function checksum(state: State): string {
  const hash = createHash('sha256');
  for (const piece of checksumPieces(state)) hash.update(piece);
  return hash.digest('hex');
}
