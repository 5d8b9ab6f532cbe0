/** A session under the runtime's profiler: runs something on it and reads the trace that it leaves. */
import { copyFileSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { UserError } from '../base/errors';
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
  const written = trace(folder, name);
  const runs = parseTrace(written.text, written.file);
  try {
    if (keep !== undefined) copyFileSync(written.file, keep);
    rmSync(written.file);
  } catch (error) {
    throw fileError('write', keep ?? written.file, error);
  }
  return { result, runs };
}

/** The trace of that session. UserError where the runtime could not write it, which it does not say. */
function trace(folder: string, name: string): { readonly file: string; readonly text: string } {
  try {
    const found = readdirSync(folder).find((each) => each.startsWith(`${name}_`) && each.endsWith('.json'));
    if (found === undefined)
      throw new UserError(`the runtime wrote no trace to ${folder}; is its disk full, or read-only?`);
    const file = path.join(folder, found);
    return { file, text: readFileSync(file, 'utf8') };
  } catch (error) {
    throw fileError('read', folder, error);
  }
}
