/** `selfie serve` as a process: SIGTERM finishes what was accepted, SIGHUP looks for new versions. */
import { Agent, request } from 'node:http';
import { status, type ServiceError } from '@grpc/grpc-js';
import { spawn } from 'node:child_process';
import { mkdirSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { addVersion, scaleModel } from '../../tools/bench/servingModel';
import { serving, startServe } from '../../tools/bench/serveProcess';
import { openClient } from '../support/inferenceClient';
import { get, scaleRequest } from '../support/serving';
import { repositoryRoot } from '../support/paths';
import { selfie } from '../support/selfie';
import { inTemporaryFolder } from '../support/temporary';
import { until } from '../support/until';

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

/** Over gRPC; the code of the error where there is no answer. */
async function sendGrpc(port: number | null, data: readonly number[]): Promise<readonly number[] | string> {
  const { client, call } = openClient(port);
  try {
    const answer = await call('ModelInfer', {
      model_name: 'slow',
      inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 4], contents: { fp32_contents: data } }],
    });
    const [{ contents }] = answer.outputs as { contents: { fp32_contents: number[] } }[];
    return contents.fp32_contents;
  } catch (error) {
    return status[(error as ServiceError).code];
  } finally {
    client.close();
  }
}

test('SIGTERM under load: whatever was accepted is answered over HTTP and gRPC, then it ends', () =>
  inTemporaryFolder(async (folder) => {
    addVersion(folder, 'slow', 1, scaleModel(3, 1));
    const { child, url, grpcPort, said, ended } = await startServe(
      folder,
      '--max-batch',
      '1',
      '--grpc-port',
      '0',
    );
    const infer = `${url}/v2/models/slow/infer`;
    const right = { http: 0, grpc: 0 };
    const others: string[] = [];
    const accept = (protocol: keyof typeof right, row: readonly number[], data: readonly number[]) => {
      expect(data).toEqual(row.map((value) => 3 * value));
      right[protocol]++;
      if (!child.killed && Math.min(right.http, right.grpc) === 2) child.kill('SIGTERM');
    };
    const rowOf = (i: number) => [i, i + 1, i + 2, i + 3];
    await Promise.all([
      ...Array.from({ length: 25 }, async (_, i) => {
        const answer = await send(infer, rowOf(i));
        if (typeof answer === 'string') others.push(answer);
        else if (answer.status !== 200) others.push(String(answer.status));
        else {
          const { outputs } = JSON.parse(answer.body) as { outputs: { data: number[] }[] };
          accept('http', rowOf(i), outputs[0].data);
        }
      }),
      ...Array.from({ length: 25 }, async (_, i) => {
        const answer = await sendGrpc(grpcPort, rowOf(i));
        if (typeof answer === 'string') others.push(answer);
        else accept('grpc', rowOf(i), answer);
      }),
    ]);
    expect(await ended).toBe(0);
    expect(child.killed).toBe(true);
    expect(said()).toContain(`stopped after ${right.http + right.grpc} answers`);
    for (const other of others) expect(['503', 'ECONNREFUSED', 'ECONNRESET', 'UNAVAILABLE']).toContain(other);
  }));

test('SIGHUP loads a new version', () =>
  inTemporaryFolder(async (folder) => {
    addVersion(folder, 'scale', 1, scaleModel(1));
    const { child, url, said, ended } = await startServe(folder, '--reload-every', '0');
    addVersion(folder, 'scale', 2, scaleModel(2));
    child.kill('SIGHUP');
    await until(() => said().includes('version 2 is loaded'));
    expect((await get(`${url}/v2/models/scale`)).json.versions).toEqual(['2']);
    // Nor does it end a server that finishes what it has.
    const slow = request(`${url}/v2/models/scale/infer`, { method: 'POST', agent: new Agent() });
    const answered = new Promise<number | undefined>((resolve, reject) => {
      slow.on('response', ({ statusCode }) => resolve(statusCode)).on('error', reject);
    });
    const body = JSON.stringify(scaleRequest([1, 2, 3, 4]));
    slow.setHeader('content-length', body.length);
    slow.write(body.slice(0, 9));
    await get(`${url}/v2`);
    child.kill('SIGINT');
    await until(() => said().includes('stopping'));
    child.kill('SIGHUP');
    slow.end(body.slice(9));
    expect(await answered).toBe(503);
    expect(await ended).toBe(0);
  }));

test('--grace bounds the stop while a model computes, and leaves nothing behind', () =>
  inTemporaryFolder(async (folder) => {
    // Minutes of computing.
    addVersion(path.join(folder, 'repository'), 'slow', 1, scaleModel(3, 4000));
    const temporary = path.join(folder, 'temporary');
    mkdirSync(temporary);
    const server = await serving(
      spawn(
        process.execPath,
        [
          path.join(repositoryRoot, 'bin', 'selfie.js'),
          'serve',
          path.join(folder, 'repository'),
          '--port',
          '0',
          '--threads',
          '1',
          '--max-batch',
          '1',
          '--grace',
          '1',
        ],
        { env: { ...process.env, TMPDIR: temporary } },
      ),
    );
    // The runtime leaves files of its own.
    const left = () => readdirSync(temporary).filter((name) => name.startsWith('selfie'));
    expect(left()).toHaveLength(1);
    const answers = [1, 2].map((i) => send(`${server.url}/v2/models/slow/infer`, [i, 2, 3, 4]));
    // One waits for the other, which computes.
    const waiting = /selfie_waiting_requests\{.*\} 1/;
    await until(async () => waiting.test(await (await fetch(`${server.url}/metrics`)).text()));
    server.child.kill('SIGTERM');
    expect(await Promise.all(answers)).toEqual(['ECONNRESET', 'ECONNRESET']);
    await server.ended;
    expect(server.child.signalCode).toBe('SIGTERM');
    expect(server.said()).toContain('what is still being computed after --grace 1 s is cut off');
    expect(left()).toEqual([]);
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
