/** Starts one child process at a time and takes the last line of its output as the answer. */
import { spawn } from 'node:child_process';
import { UserError } from '../../src/base/errors';

export interface Launch {
  readonly command: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** put before the command: `numactl -N 0` */
  readonly wrap: readonly string[];
  readonly timeoutSeconds: number;
}

const KEPT_STDERR = 4000;

/** The last line of the child's stdout as JSON. Throws a UserError with the end of its stderr where it fails. */
export async function launch({ command, env = {}, wrap, timeoutSeconds }: Launch): Promise<unknown> {
  const [file, ...args] = [...wrap, ...command];
  const child = spawn(file, args, {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    // a group of its own, so that nothing that it started outlives it
    detached: true,
  });
  const end = () => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    } catch {
      // it has ended by itself
    }
  };
  const onSignal = () => {
    end();
    process.exit(130);
  };
  process.once('SIGINT', onSignal).once('SIGTERM', onSignal);
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    end();
  }, timeoutSeconds * 1000);
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr
    .setEncoding('utf8')
    .on('data', (text: string) => (stderr = (stderr + text).slice(-KEPT_STDERR)));
  try {
    const code = await new Promise<number | string | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (status, signal) => resolve(status ?? signal));
    }).catch((error: unknown) => {
      throw new UserError(`cannot start ${file}: ${error instanceof Error ? error.message : String(error)}`);
    });
    if (timedOut) throw new UserError(`took longer than --timeout ${timeoutSeconds} seconds`);
    if (code !== 0) throw new UserError(`ended with ${code}: ${lastLine(stderr) || 'no message'}`);
    return JSON.parse(lastLine(stdout)) as unknown;
  } finally {
    clearTimeout(timer);
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
    end();
  }
}

const lastLine = (text: string) => text.trim().split('\n').at(-1)?.trim() ?? '';
