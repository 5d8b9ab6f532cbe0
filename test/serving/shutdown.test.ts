/** `selfie serve` as a process: SIGTERM finishes what was accepted, SIGHUP looks for new versions. */
import { spawn, type ChildProcess } from 'node:child_process';
import { Agent, request } from 'node:http';
import path from 'node:path';
import { addVersion, scaleModel } from '../../tools/bench/servingModel';
import { repositoryRoot } from '../support/paths';
import { get, scaleRequest } from '../support/serving';
import { selfie } from '../support/selfie';
import { inTemporaryFolder } from '../support/temporary';

interface Process {
  readonly child: ChildProcess;
  readonly url: string;
  /** everything it printed so far */
  readonly output: () => string;
  readonly ended: Promise<number | null>;
}

async function serve(directory: string, ...args: string[]): Promise<Process> {
  const bin = path.join(repositoryRoot, 'bin', 'selfie.js');
  const child = spawn(process.execPath, [bin, 'serve', directory, '--port', '0', '--threads', '1', ...args]);
  let output = '';
  child.stderr.on('data', (part: Buffer) => (output += part.toString()));
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout.on('data', (part: Buffer) => {
      output += part.toString();
      const found = /serving on (\S+)/.exec(output);
      if (found) resolve(found[1]);
    });
    void ended.then(() => reject(new Error(output)));
  });
  return { child, url, output: () => output, ended };
}

/** On a connection of its own; the code of the error where there is no answer. */
function send(url: string, data: readonly number[]): Promise<{ status: number; body: string } | string> {
  return new Promise((resolve) => {
    const sent = request(url, { method: 'POST', agent: new Agent({ keepAlive: false }) }, (response) => {
      let body = '';
      response.on('data', (part: Buffer) => (body += part.toString()));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
      response.on('error', (error: NodeJS.ErrnoException) => resolve(`cut off: ${error.code}`));
    });
    sent.on('error', (error: NodeJS.ErrnoException) => resolve(String(error.code)));
    sent.end(JSON.stringify(scaleRequest(data)));
  });
}

test('SIGTERM under load: whatever was accepted is answered, then it ends', () =>
  inTemporaryFolder(async (folder) => {
    addVersion(folder, 'slow', 1, scaleModel(3, 1));
    const { child, url, output, ended } = await serve(folder, '--max-batch', '1');
    const infer = `${url}/v2/models/slow/infer`;
    let answered = 0;
    const sent = Array.from({ length: 40 }, async (_, i) => {
      const row = [i, i + 1, i + 2, i + 3];
      const answer = await send(infer, row);
      if (typeof answer === 'string') return answer;
      if (answer.status !== 200) return String(answer.status);
      const { outputs } = JSON.parse(answer.body) as { outputs: { data: number[] }[] };
      expect(outputs[0].data).toEqual(row.map((value) => 3 * value));
      if (++answered === 3) child.kill('SIGTERM');
      return 'right';
    });
    const results = await Promise.all(sent);
    expect(await ended).toBe(0);
    const right = results.filter((result) => result === 'right').length;
    expect(right).toBeGreaterThan(3);
    expect(output()).toContain(`stopped after ${right} answers`);
    const others = new Set(results.filter((result) => result !== 'right'));
    for (const other of others) expect(['503', 'ECONNREFUSED', 'ECONNRESET']).toContain(other);
  }));

test('SIGHUP loads a new version', () =>
  inTemporaryFolder(async (folder) => {
    addVersion(folder, 'scale', 1, scaleModel(1));
    const { child, url, output, ended } = await serve(folder, '--reload-every', '0');
    addVersion(folder, 'scale', 2, scaleModel(2));
    child.kill('SIGHUP');
    for (let i = 0; i < 100 && !output().includes('version 2 is loaded'); i++)
      await new Promise((resolve) => setTimeout(resolve, 50));
    expect((await get(`${url}/v2/models/scale`)).json.versions).toEqual(['2']);
    child.kill('SIGINT');
    expect(await ended).toBe(0);
  }));

test('one line for what cannot be served', () =>
  inTemporaryFolder((folder) => {
    const wrong = (...args: string[]) => selfie(['serve', folder, ...args]);
    expect(wrong()).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^error: .*nothing to serve.*\n$/) as string,
    });
    expect(wrong('--port', '70000').stderr).toContain('--port 70000: expected at most 65535');
    expect(selfie(['serve', path.join(folder, 'none')])).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^error: cannot read .*none.*\n$/) as string,
    });
  }));
