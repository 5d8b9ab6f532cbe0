/** The Python that consumers run in: the one asked for, or an environment of their own with whatever installs. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { UserError } from '../../src/errors';
import { run } from '../bench/python';

/**
 * The interpreter; makes `tools/consumers/.venv` where `asked` is undefined and it does not exist. A package that does not
 * install is left out: its consumer says that it is missing.
 */
export function consumersPython(
  root: string,
  asked: string | undefined,
  progress: (line: string) => void,
): string {
  if (asked !== undefined) {
    if (!existsSync(asked)) throw new UserError(`--python ${asked}: no such file`);
    return asked;
  }
  const folder = path.join(root, 'tools', 'consumers', '.venv');
  const python = path.join(folder, 'bin', 'python');
  if (existsSync(python)) return python;
  progress(`no Python environment for the consumers yet: making ${folder} (minutes)`);
  run('python3', ['-m', 'venv', folder], progress);
  const requirements = readFileSync(path.join(root, 'tools', 'consumers', 'requirements.txt'), 'utf8');
  for (const requirement of requirements.trim().split('\n')) {
    try {
      run(python, ['-m', 'pip', 'install', '--quiet', requirement], progress);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      progress(`${requirement} does not install here`);
    }
  }
  return python;
}
