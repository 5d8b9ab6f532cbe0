/** `selfie` as users run it: a process of its own. */
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { repositoryRoot } from './paths';

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const program = path.join(repositoryRoot, 'bin', 'selfie.js');

function run(args: readonly string[], env: Readonly<Record<string, string>>) {
  const how = { encoding: 'utf8', env: { ...process.env, ...env } } as const;
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, args, how);
  return { code: status, signal, stdout, stderr };
}

export function selfie(args: readonly string[], env: Readonly<Record<string, string>> = {}): Finished {
  const { code, stdout, stderr } = run([program, ...args], env);
  return { code, stdout, stderr };
}

export interface Stop {
  readonly by: NodeJS.Signals;
  /** `write FILE`, `rename FILE` (before the file has the name), `renamed FILE` */
  readonly at: RegExp;
  /** the how manieth of them, default the first */
  readonly count?: number;
}

/** The same, with a signal that it gets at a moment of its own, however fast the machine is; `signal`: what ended it. */
export function stoppedSelfie(
  { by, at, count = 1 }: Stop,
  args: readonly string[],
): Finished & { readonly signal: NodeJS.Signals | null } {
  const env = { STOP_AT: at.source, STOP_COUNT: String(count), STOP_SIGNAL: by };
  return run(['--require', path.join(__dirname, 'stopAt.js'), program, ...args], env);
}
