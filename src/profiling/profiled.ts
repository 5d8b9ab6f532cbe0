/** A session under the runtime's profiler: runs something on it and reads the trace that it leaves. */
import { copyFileSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { fileError } from '../base/files';
import { createSession } from '../runtime/session';
import type { SessionSettings } from '../runtime/providers';
import type { GraphSession } from '../runtime/session';
import { parseTrace } from './trace';
import type { TraceRun } from './trace';

export interface ProfiledOptions {
  /** an empty or own folder for the runtime's trace, which gets a name by the clock */
  readonly folder: string;
  /** of this session, another one for each in a folder */
  readonly name: string;
  /** where to copy the trace */
  readonly keep?: string;
}

/** Runs `body` on a profiled session of `model`; answers with its result and the runs in the trace. */
export async function profiled<T>(
  { folder, name, keep }: ProfiledOptions,
  model: string,
  settings: SessionSettings,
  body: (session: GraphSession) => Promise<T>,
): Promise<{ result: T; runs: TraceRun[] }> {
  const session = await createSession(model, settings, { profilePrefix: path.join(folder, name) });
  let result: T;
  try {
    result = await body(session);
  } finally {
    session.endProfiling();
    await session.release();
  }
  const written = readdirSync(folder).find((file) => file.startsWith(`${name}_`) && file.endsWith('.json'));
  if (written === undefined) throw new Error(`the runtime wrote no trace for ${model}`);
  const file = path.join(folder, written);
  const runs = parseTrace(readFileSync(file, 'utf8'), file);
  try {
    if (keep !== undefined) copyFileSync(file, keep);
  } catch (error) {
    throw fileError('write', keep ?? file, error);
  }
  rmSync(file);
  return { result, runs };
}
