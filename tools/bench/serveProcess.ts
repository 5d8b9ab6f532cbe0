/** `selfie serve` in a process of its own. */
import { spawn, type ChildProcess } from 'node:child_process';
import path from 'node:path';

export interface ServeProcess {
  readonly child: ChildProcess;
  readonly url: string;
  /** null: no gRPC */
  readonly grpcPort: number | null;
  /** all of its output so far */
  readonly said: () => string;
  /** its exit code */
  readonly ended: Promise<number | null>;
}

/** A started `selfie serve`, when it answers. Throws what it said where it ends before. */
export async function serving(child: ChildProcess): Promise<ServeProcess> {
  let said = '';
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const [url, port] = await new Promise<[string, string | undefined]>((resolve, reject) => {
    child.stderr?.on('data', (part: Buffer) => (said += part.toString()));
    child.stdout?.on('data', (part: Buffer) => {
      said += part.toString();
      const found = /serving on ([^\s,]+)(?:, gRPC on port (\d+))?\n/.exec(said);
      if (found) resolve([found[1], found[2]]);
    });
    void ended.then(() => reject(new Error(`the server ended: ${said}`)));
  });
  return { child, url, grpcPort: port === undefined ? null : Number(port), said: () => said, ended };
}

/** Starts it on a free port, and waits until it answers. */
export function startServe(directory: string, ...args: readonly string[]): Promise<ServeProcess> {
  const bin = path.join(__dirname, '../../../bin/selfie.js');
  return serving(
    spawn(process.execPath, [bin, 'serve', directory, '--port', '0', '--threads', '1', ...args]),
  );
}
