/** A trained run opened for questions: its bundle, a checkpoint that fits it, and a session that holds the state. */
import { availableParallelism } from 'node:os';
import type { Broken } from '../base/broken';
import type { Provider } from '../base/providers';
import { readBundle, type Bundle } from '../bundle/read';
import { requireProvider } from '../runtime/providers';
import { StateSession } from '../runtime/stateSession';
import { pickCheckpoint, type Checkpoint } from './checkpoints';
import { readRun, type RunSettings } from './runFolder';
import { requireState, type State } from './stateTypes';

/** Where a network computes. */
export interface ComputeOptions {
  /** default: the provider that the bundle was lowered for */
  readonly provider?: Provider;
  /** threads that compute; default: all */
  readonly threads?: number;
}

/** How images are read. */
export interface ReadOptions {
  /** images that cannot be decoded: fail, or leave them out; default: as the run does, else fail */
  readonly broken?: Broken;
  /** threads that decode */
  readonly workers?: number;
}

export interface RunOptions extends ComputeOptions {
  /** run folder */
  readonly directory: string;
  /** step, file, or one that was read; default: the newest checkpoint */
  readonly checkpoint?: string | number | Checkpoint;
}

export interface OpenRun {
  readonly directory: string;
  readonly bundle: Bundle;
  readonly checkpoint: Checkpoint;
  /** the checkpoint's */
  readonly state: State;
  /** of run.json; null: this folder has a bundle and checkpoints alone */
  readonly settings: RunSettings | null;
  readonly provider: Provider;
  readonly threads: number;
}

/** Throws a UserError for whatever is not there or does not fit; `warn` hears of damaged checkpoints that are passed over. */
export function openRun(
  { directory, checkpoint: which, provider, threads = availableParallelism() }: RunOptions,
  warn: (line: string) => void = () => {},
): OpenRun {
  const bundle = readBundle(directory);
  const checkpoint = typeof which === 'object' ? which : pickCheckpoint(directory, which, warn);
  requireState(checkpoint.file, checkpoint.state, bundle.manifest);
  const { state } = checkpoint;
  const chosen = { provider: provider ?? bundle.manifest.provider, threads };
  return { directory, bundle, checkpoint, state, settings: readRun(directory), ...chosen };
}

/**
 * Runs `use` with a session that holds the run's state, and closes that. `bundle`: another one whose graphs take the same
 * state. UserError where the provider is not there.
 */
export async function withSession<T>(
  { state, provider, threads, ...run }: Pick<OpenRun, 'bundle' | 'state' | 'provider' | 'threads'>,
  use: (session: StateSession) => Promise<T>,
  bundle: Bundle = run.bundle,
): Promise<T> {
  requireProvider(provider);
  const session = new StateSession(bundle, { provider, threads });
  try {
    await session.setState(state);
    return await use(session);
  } finally {
    await session.close();
  }
}
