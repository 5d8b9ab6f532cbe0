/** An exported model repository behind NVIDIA Triton, which is asked by the repository's own smoke requests. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { z } from 'zod';
import { UserError } from '../../../src/base/errors';
import { environment, run } from '../../bench/python';
import type { Row } from '../main';
import type { Setting } from '../repository';

/** Milliseconds in which all models must be ready. */
const START = 120_000;
const helloSchema = z.union([z.object({ version: z.string() }), z.object({ missing: z.string() })]);

/** Starts Triton on the repository in an environment of its own: its packages ask for an older numpy. */
export async function tritonRow(folder: string, repository: string, setting: Setting): Promise<Row> {
  const name = 'repository/smoke.sh';
  const place = path.join(setting.root, 'tools', 'consumers', 'triton');
  const isMade = existsSync(path.join(place, '.venv'));
  let python: string;
  try {
    python = environment(place, isMade ? undefined : setting.asked, setting.progress, {
      notice: 'no Python environment with Triton yet (60 MB)',
      install: (made, requirements) =>
        run(made, ['-m', 'pip', 'install', '--quiet', '--requirement', requirements], setting.progress),
    });
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return ['triton', '', name, `skipped: ${error.message}`, null];
  }
  const [http, grpc] = [await freePort(), await freePort()];
  const backends = path.join(folder, 'backends');
  mkdirSync(backends);
  const script = path.join(place, 'serve.py');
  const child = spawn(python, [script, repository, String(http), String(grpc), backends]);
  const server = new Output(child);
  try {
    const hello = helloSchema.parse(JSON.parse(await server.firstLine));
    if ('missing' in hello) return ['triton', '', name, `skipped: ${hello.missing}`, null];
    const address = `http://127.0.0.1:${http}`;
    if (!(await isReady(address, child)))
      return ['triton', hello.version, name, `refused: ${server.lastError}`, false];
    const version = `${await serverVersion(address)} (${hello.version})`;
    const { status, stdout, stderr } = spawnSync('sh', [path.join(repository, 'smoke.sh'), address], {
      encoding: 'utf8',
    });
    const lines = stdout.trim().split('\n');
    if (status !== 0) return ['triton', version, name, `refused: ${stderr.trim()} ${lines.at(-1)}`, false];
    return ['triton', version, name, `${lines.length} models answer as they must`, true];
  } finally {
    await stop(child);
  }
}

/** What the server says; its own log is on stderr. */
class Output {
  readonly firstLine: Promise<string>;
  private log = '';

  constructor(child: ChildProcess) {
    let said = '';
    this.firstLine = new Promise((resolve, reject) => {
      child.stdout?.on('data', (chunk: Buffer) => {
        said += chunk.toString();
        if (said.includes('\n')) resolve(said.split('\n')[0]);
      });
      child.once('error', reject);
      child.once('exit', (code) => reject(new Error(`Triton ended with ${code}: ${this.lastError}`)));
    });
    this.firstLine.catch(() => undefined);
    child.stderr?.on('data', (chunk: Buffer) => {
      this.log += chunk.toString();
    });
  }

  get lastError(): string {
    const lines = this.log.trim().split('\n');
    return (lines.filter((line) => /^(E\d|error)/.test(line)).at(-1) ?? lines.at(-1) ?? '').slice(0, 300);
  }
}

async function isReady(address: string, child: ChildProcess): Promise<boolean> {
  const end = Date.now() + START;
  while (Date.now() < end && child.exitCode === null) {
    const answer = await fetch(`${address}/v2/health/ready`).catch(() => null);
    if (answer?.ok) return true;
    await wait(250);
  }
  return false;
}

async function serverVersion(address: string): Promise<string> {
  const response = await fetch(`${address}/v2`);
  return z.object({ version: z.string() }).parse(await response.json()).version;
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  await Promise.race([ended, wait(30_000)]);
  child.kill('SIGKILL');
}

const freePort = () =>
  new Promise<number>((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => {
        resolve(port);
      });
    });
  });
