/** What a checkpoint's file says besides the tensors: step, data position, recipe, the run it belongs to. */
import { z } from 'zod';
import type { Manifest } from '../bundle/manifest';
import { UserError } from '../base/errors';
import type { Safetensors } from '../tensors/safetensorsFormat';
import { toBytes } from '../tensors/dtype';
import type { RunIdentity } from './runIdentity';
import { stateKinds, stateKindsSchema } from './stateTypes';
import type { State, StateKinds } from './stateTypes';

/** Nothing here depends on the clock or on interruptions: the same run gives the same bytes. */
const metadataSchema = z.object({
  selfie_checkpoint: z.literal('1'),
  step: z.coerce.number().int().nonnegative(),
  /** batches taken from the loader so far */
  data_position: z.coerce.number().int().nonnegative(),
  /** the bundle's recipe as JSON */
  recipe: z.string(),
  /** the run's identity as JSON */
  run: z.string(),
  /** [kind, part] by state name as JSON */
  state: z.string(),
  /** of the tensors' names and bytes in order of the names: a safetensors file has no checksum of its own */
  sha256: z.string(),
});

export interface Checkpoint {
  readonly file: string;
  readonly step: number;
  readonly dataPosition: number;
  /** the bundle's recipe as JSON */
  readonly recipe: string;
  /** the identity of the run as JSON */
  readonly run: string;
  readonly kinds: StateKinds;
  readonly state: State;
}

/** The metadata of the checkpoint after `step` steps; `sha256` is of `checksumPieces`. */
export function checkpointMetadata(
  manifest: Manifest,
  run: RunIdentity,
  { step, dataPosition }: Pick<Checkpoint, 'step' | 'dataPosition'>,
  sha256: string,
): Record<string, string> {
  return {
    selfie_checkpoint: '1',
    step: String(step),
    data_position: String(dataPosition),
    recipe: JSON.stringify(manifest.recipe),
    run: JSON.stringify(run),
    state: JSON.stringify(stateKinds(manifest)),
    sha256,
  };
}

/** A checkpoint and the checksum that its state has to have; UserError where `file` is none. */
export function parseCheckpoint(
  file: string,
  { tensors, metadata }: Safetensors,
): Checkpoint & { readonly sha256: string } {
  const parsed = metadataSchema.safeParse(metadata);
  if (!parsed.success) throw new UserError(`${file}: safetensors, but not a checkpoint of \`selfie train\``);
  const { step, data_position: dataPosition, recipe, run, state, sha256 } = parsed.data;
  return { file, step, dataPosition, recipe, run, kinds: parseKinds(file, state), state: tensors, sha256 };
}

export function parseKinds(file: string, text: string): StateKinds {
  try {
    return stateKindsSchema.parse(JSON.parse(text));
  } catch (error) {
    throw new UserError(`${file}: damaged metadata (state)`, { cause: error });
  }
}

/** What the checksum is of, in order. */
export function* checksumPieces(state: State): Generator<Uint8Array> {
  const utf8 = new TextEncoder();
  for (const [name, { data }] of [...state].sort(([a], [b]) => (a < b ? -1 : 1))) {
    yield utf8.encode(`${name}\0`);
    yield toBytes(data);
  }
}
