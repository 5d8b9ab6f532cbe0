/** The Python that the peers run in: the one asked for, or an environment of the benchmark's own. */
import { spawnSync } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import path from 'node:path';
import { UserError } from '../../src/errors';

/** The interpreter; makes `tools/bench/.venv` from requirements.txt where `asked` is undefined and it does not exist. */
export function findPython(
  root: string,
  asked: string | undefined,
  progress: (line: string) => void,
): string {
  if (asked !== undefined) {
    if (!existsSync(asked)) throw new UserError(`--python ${asked}: no such file`);
    return asked;
  }
  const folder = path.join(root, 'tools', 'bench', '.venv');
  const python = path.join(folder, 'bin', 'python');
  if (existsSync(python)) return python;
  const requirements = path.join(root, 'tools', 'bench', 'requirements.txt');
  progress(
    `no Python environment for the peers yet: making ${folder} (gigabytes, minutes; --only ours needs none)`,
  );
  try {
    run('python3', ['-m', 'venv', folder], progress);
    run(python, ['-m', 'pip', 'install', '--quiet', '--requirement', requirements], progress);
  } catch (error) {
    // a half-made environment would pass for a whole one next time
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
  return python;
}

/** Runs `command`, its output on stderr. UserError where it cannot start or fails. */
export function run(command: string, args: readonly string[], progress: (line: string) => void): void {
  progress(`$ ${command} ${args.join(' ')}`);
  const { status, error } = spawnSync(command, args, { stdio: ['ignore', 2, 2] });
  if (error)
    throw new UserError(`cannot start ${command}: ${error.message}; install it or give --python PATH`);
  if (status !== 0)
    throw new UserError(`${command} ${args[1]} ended with ${status}; see above, or give --python PATH`);
}
