/** The Python that the peers run in: the one asked for, or an environment of the benchmark's own. */
import { spawnSync } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import path from 'node:path';
import { UserError } from '../../src/base/errors';

/** The interpreter; makes `tools/bench/.venv` from requirements.txt where `asked` is undefined and it does not exist. */
export const findPython = (
  root: string,
  asked: string | undefined,
  progress: (line: string) => void,
): string =>
  environment(path.join(root, 'tools', 'bench'), asked, progress, {
    notice: 'no Python environment for the peers yet (gigabytes, minutes; --only ours needs none)',
    install: (python, requirements) =>
      run(python, ['-m', 'pip', 'install', '--quiet', '--requirement', requirements], progress),
  });

/**
 * The interpreter that was asked for, or else that of `.venv` in `folder`, which is made where it does not exist: `install`
 * puts into it what requirements.txt there says. UserError where one is not there or cannot be made.
 */
export function environment(
  folder: string,
  asked: string | undefined,
  progress: (line: string) => void,
  { notice, install }: { notice: string; install: (python: string, requirements: string) => void },
): string {
  if (asked !== undefined) {
    if (!existsSync(asked)) throw new UserError(`--python ${asked}: no such file`);
    return asked;
  }
  const made = path.join(folder, '.venv');
  const python = path.join(made, 'bin', 'python');
  if (existsSync(python)) return python;
  progress(`${notice}: making ${made}`);
  try {
    run('python3', ['-m', 'venv', made], progress);
    install(python, path.join(folder, 'requirements.txt'));
  } catch (error) {
    // a half-made environment would pass for a whole one next time
    rmSync(made, { recursive: true, force: true });
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
