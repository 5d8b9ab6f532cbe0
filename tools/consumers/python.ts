/** The Python that consumers run in: the one asked for, or an environment of their own with whatever installs. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { UserError } from '../../src/base/errors';
import { environment, run } from '../bench/python';

/** The interpreter. A package that does not install is left out: its consumer says that it is missing. */
export const consumersPython = (
  root: string,
  asked: string | undefined,
  progress: (line: string) => void,
): string =>
  environment(path.join(root, 'tools', 'consumers'), asked, progress, {
    notice: 'no Python environment for the consumers yet (minutes)',
    install: (python, requirements) => {
      for (const requirement of readFileSync(requirements, 'utf8').trim().split('\n')) {
        try {
          run(python, ['-m', 'pip', 'install', '--quiet', requirement], progress);
        } catch (error) {
          if (!(error instanceof UserError)) throw error;
          progress(`${requirement} does not install here`);
        }
      }
    },
  });
