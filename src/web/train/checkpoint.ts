/** Checkpoints of `selfie train` as bytes: written and read in a browser. */
import type { Manifest } from '../../bundle/manifest';
import { UserError } from '../../base/errors';
import { decodeSafetensors, encodeSafetensors } from '../../tensors/safetensorsFormat';
import {
  type Checkpoint,
  checkpointMetadata,
  checksumPieces,
  parseCheckpoint,
  parseKinds,
} from '../../run/checkpointFormat';
import type { RunIdentity } from '../../run/runIdentity';
import type { State } from '../../run/stateTypes';
import type { WeightSource } from '../../training/startFrom';
import { readFile } from './bundle';

export const NO_CHECKSUM =
  'checkpoints need a checksum, which browsers give to pages from https or localhost only';

/** The bytes of `step-<n>.safetensors`. */
export async function encodeCheckpoint(
  manifest: Manifest,
  run: RunIdentity,
  step: number,
  state: State,
): Promise<Uint8Array<ArrayBuffer>> {
  const metadata = checkpointMetadata(manifest, run, { step, dataPosition: step }, await checksum(state));
  return join([...encodeSafetensors(state, metadata)]);
}

/** UserError for bytes that are no checkpoint, or a damaged one; `name` stands for them in messages. */
export async function decodeCheckpoint(name: string, bytes: Uint8Array): Promise<Checkpoint> {
  const { sha256, ...checkpoint } = parseCheckpoint(name, decodeSafetensors(name, bytes));
  if ((await checksum(checkpoint.state)) !== sha256)
    throw new UserError(`${name}: damaged (its checksum does not match)`);
  return checkpoint;
}

/** A file of weights that a person gave. UserError where it is none. */
export async function readWeights(file: File): Promise<WeightSource> {
  const { name } = file;
  const { tensors, metadata } = decodeSafetensors(name, await readFile(name, file));
  const kinds = metadata.state === undefined ? null : parseKinds(name, metadata.state);
  return { from: name, file: name, state: tensors, kinds };
}

async function checksum(state: State): Promise<string> {
  if (!('subtle' in crypto)) throw new UserError(NO_CHECKSUM);
  const digest = await crypto.subtle.digest('SHA-256', join([...checksumPieces(state)]));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

function join(pieces: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}
