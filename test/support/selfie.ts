/** `selfie` as users run it: a process of its own. */
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { repositoryRoot } from './paths';

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export function selfie(args: readonly string[], env: Readonly<Record<string, string>> = {}): Finished {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [path.join(repositoryRoot, 'bin', 'selfie.js'), ...args],
    { encoding: 'utf8', env: { ...process.env, ...env } },
  );
  return { code: status, stdout, stderr };
}
