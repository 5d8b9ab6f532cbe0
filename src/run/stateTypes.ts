/** State by name, and what each entry is: its kind and the part of the network it belongs to. */
import { z } from 'zod';
import { type Manifest, STATE_KINDS } from '../bundle/manifest';
import { UserError } from '../base/errors';
import type { HostTensor } from '../tensors/dtype';

export type State = ReadonlyMap<string, HostTensor>;

export const stateKindsSchema = z.record(z.string(), z.tuple([z.enum(STATE_KINDS), z.string()]));
/** [kind, part] by state name. */
export type StateKinds = z.infer<typeof stateKindsSchema>;

export function stateKinds(manifest: Manifest): StateKinds {
  return Object.fromEntries(manifest.state.map(({ name, kind, part }) => [name, [kind, part]]));
}

export const describe = (tensor: Pick<HostTensor, 'dtype' | 'shape'>) =>
  `${tensor.dtype} [${tensor.shape.join(', ')}]`;

/** Throws a UserError unless `state` has exactly the manifest's entries; `file` is where it came from. */
export function requireState(file: string, state: State, manifest: Manifest): void {
  for (const entry of manifest.state) {
    const tensor = state.get(entry.name);
    if (!tensor) throw new UserError(`${file}: has no ${entry.name}, which the bundle's graphs need`);
    if (describe(tensor) !== describe(entry)) {
      throw new UserError(
        `${file}: ${entry.name} is ${describe(tensor)}, the bundle's graphs take ${describe(entry)}`,
      );
    }
  }
  if (state.size !== manifest.state.length) {
    const known = new Set(manifest.state.map(({ name }) => name));
    const extra = [...state.keys()].find((name) => !known.has(name));
    throw new UserError(`${file}: has ${extra}, which the bundle's graphs do not know`);
  }
}

/** The first float32 entry with a NaN or an infinite value, or undefined. */
export function firstNotFinite(state: State): string | undefined {
  for (const [name, { dtype, data }] of state) {
    if (dtype !== 'float32') continue;
    for (let i = 0; i < data.length; i++) {
      if (!Number.isFinite(data[i])) return name;
    }
  }
  return undefined;
}
