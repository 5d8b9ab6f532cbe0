/** Where a run's first weights are found: another run's folder, a bundle or a safetensors file. */
import { existsSync, statSync } from 'node:fs';
import path from 'node:path';
import type { Manifest } from '../bundle/manifest';
import { initialStatePath, readBundle } from '../bundle/read';
import { UserError } from '../base/errors';
import { readSafetensors } from '../tensors/safetensors';
import { widenFloats } from '../tensors/widen';
import { type Checkpoint, parseKinds } from '../run/checkpointFormat';
import { listCheckpoints, readNewestCheckpoint } from '../run/checkpoints';
import { startFrom, type WeightSource } from './startFrom';
import type { LoadReport } from '../run/loadReport';
import { stateKinds } from '../run/stateTypes';
import type { State } from '../run/stateTypes';

/**
 * `startFrom` with the weights of `from` (run folder, bundle, or .safetensors file).
 * Throws a UserError for what is not there or does not fit.
 */
export const initializeFrom = (
  from: string,
  manifest: Manifest,
  initial: State,
  warn: (line: string) => void,
): { state: State; report: LoadReport } => startFrom(openSource(from, warn), manifest, initial);

function openSource(from: string, warn: (line: string) => void): WeightSource {
  if (!existsSync(from)) throw new UserError(`--init-from ${from}: no such file or folder`);
  if (!statSync(from).isDirectory()) {
    const { tensors, metadata } = readSafetensors(from);
    const kinds = metadata.state === undefined ? null : parseKinds(from, metadata.state);
    const { tensors: state, counts } = widenFloats(from, tensors);
    for (const [dtype, count] of counts)
      warn(`--init-from ${from}: ${count} tensors of ${dtype} are taken as float32`);
    return { from, file: from, state, kinds };
  }
  if (listCheckpoints(from).length > 0) return { from, ...(readNewestCheckpoint(from, warn) as Checkpoint) };
  if (existsSync(path.join(from, 'graph'))) {
    throw new UserError(
      `--init-from ${from}: no checkpoint there yet; train it first, or give ${path.join(from, 'graph')} for its initial state`,
    );
  }
  const bundle = readBundle(from);
  const file = initialStatePath(bundle);
  return { from, file, state: readSafetensors(file).tensors, kinds: stateKinds(bundle.manifest) };
}
