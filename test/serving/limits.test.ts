/** What a server holds and waits for has an end: bytes, slow requests, idle and half-open connections. */
import { connect, type Socket } from 'node:net';
import { Agent, request } from 'node:http';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { addVersion, scaleModel } from '../../tools/bench/servingModel';
import { firstData, get, post, scaleRequest, withServer, type TestServer } from '../support/serving';
import { inTemporaryFolder } from '../support/temporary';
import { until } from '../support/until';
import type { ServeOptions } from '../../src/serving/server';

const served = (options: Partial<ServeOptions>, body: (server: TestServer, infer: string) => Promise<void>) =>
  inTemporaryFolder(async (folder) => {
    addVersion(folder, 'scale', 1, scaleModel(2));
    await withServer(folder, options, (server) => body(server, `${server.url}/v2/models/scale/infer`));
  });

const metric = async (url: string, line: string) => {
  const text = await (await fetch(`${url}/metrics`)).text();
  return Number(
    text
      .split('\n')
      .find((each) => each.startsWith(line))
      ?.slice(line.length) ?? 0,
  );
};
const refusals = (url: string, protocol: string, status: number) =>
  metric(url, `selfie_requests_total{model="unknown",protocol="${protocol}",status="${status}"} `);

/** A connection, and what came on it so far. */
async function open(url: string): Promise<{ socket: Socket; said: () => string; closed: Promise<void> }> {
  const { port } = new URL(url);
  const socket = connect(Number(port), '127.0.0.1');
  let said = '';
  socket.on('data', (part: Buffer) => (said += part.toString()));
  socket.on('error', () => {});
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  await new Promise<void>((resolve) => socket.once('connect', () => resolve()));
  return { socket, said: () => said, closed };
}

const head = (length: number) =>
  `POST /v2/models/scale/infer HTTP/1.1\r\nhost: localhost\r\ncontent-length: ${length}\r\n\r\n`;

/** Requests that have no bytes, after which those that were sent before have come. */
async function arrive(url: string): Promise<void> {
  for (let i = 0; i < 20; i++) await get(`${url}/v2`);
}

test('refusals that no model saw are counted', () =>
  served({}, async ({ url }, infer) => {
    expect((await post(infer, Buffer.alloc(2 ** 20 + 1))).status).toBe(413);
    expect((await post(`${url}/classify`, Buffer.alloc(2 ** 20 + 1))).status).toBe(413);
    expect((await post(`${url}/v2/nothing`, {})).status).toBe(404);
    const bad = await open(url);
    bad.socket.write('no http\r\n\r\n');
    await bad.closed;
    expect(bad.said()).toMatch(/^HTTP\/1.1 400 /);
    expect(await refusals(url, 'rest', 413)).toBe(1);
    expect(await refusals(url, 'image', 413)).toBe(1);
    expect(await refusals(url, 'rest', 404)).toBe(1);
    expect(await refusals(url, 'http', 400)).toBe(1);
  }));

test('bodies that are read at once have an end in bytes, which comes back', () =>
  served({ maxBody: 1000 }, async ({ url }, infer) => {
    // Eight of the largest that are announced hold nothing, and fill it once all but a byte of each has come.
    const waiting = await Promise.all(Array.from({ length: 8 }, () => open(url)));
    for (const { socket } of waiting) socket.write(head(1000));
    await arrive(url);
    const refused = () => post(infer, scaleRequest([1, 2, 3, 4]));
    expect(firstData(await refused())).toEqual([2, 4, 6, 8]);
    for (const { socket } of waiting) socket.write(Buffer.alloc(999));
    await arrive(url);
    await until(async () => (await refused()).status === 429);
    expect((await refused()).json).toEqual({
      error: expect.stringContaining('7992 bytes are read or wait') as string,
    });
    // One that does not say how long it is.
    const chunked = () =>
      new Promise<number | undefined>((resolve, reject) => {
        const sent = request(
          infer,
          { method: 'POST', agent: new Agent({ keepAlive: false }) },
          (response) => {
            response.resume();
            resolve(response.statusCode);
          },
        );
        sent.on('error', reject);
        Readable.from([Buffer.from(JSON.stringify(scaleRequest([1, 2, 3, 4])))]).pipe(sent);
      });
    expect(await chunked()).toBe(429);
    expect((await get(`${url}/v2/health/ready`)).status).toBe(200);
    for (const { socket } of waiting) socket.destroy();
    await until(async () => (await refused()).status !== 429);
    expect(firstData(await refused())).toEqual([2, 4, 6, 8]);
    expect(await chunked()).toBe(200);
  }));

test('a form has the same end', () =>
  served({ maxBody: 1000 }, async ({ url }, infer) => {
    const type = 'multipart/form-data; boundary=b';
    const form = (bytes: Uint8Array, headers: Record<string, string> = {}) =>
      post(`${url}/classify`, bytes, { 'content-type': type, ...headers });
    const packed = await form(gzipSync(`--b\r\nbad${'a'.repeat(1e5)}`), { 'content-encoding': 'gzip' });
    expect(packed).toMatchObject({ status: 413 });
    expect(await form(Buffer.alloc(1000 + 2 ** 16 + 1))).toMatchObject({ status: 413 });
    const fields = '--b\r\ncontent-disposition: form-data; name="a"\r\n\r\nx\r\n'.repeat(20);
    expect(await form(Buffer.from(`${fields}--b--\r\n`))).toMatchObject({ status: 413 });

    // Forms count as they come as well.
    const head = `POST /classify HTTP/1.1\r\nhost: localhost\r\ncontent-type: ${type}\r\ncontent-length: 1100\r\n\r\n`;
    const waiting = await Promise.all(Array.from({ length: 8 }, () => open(url)));
    for (const { socket } of waiting) socket.write(head);
    await arrive(url);
    expect(firstData(await post(infer, scaleRequest([1, 2, 3, 4])))).toEqual([2, 4, 6, 8]);
    for (const { socket } of waiting)
      socket.write(`--b\r\ncontent-disposition: form-data; name="a"; filename="a"\r\n\r\n${'a'.repeat(940)}`);
    await arrive(url);
    const answer = () => post(infer, scaleRequest([1, 2, 3, 4]));
    await until(async () => (await answer()).status === 429);
    for (const { socket } of waiting) socket.destroy();
    await until(async () => (await answer()).status !== 429);
    expect(firstData(await answer())).toEqual([2, 4, 6, 8]);
  }));

test('a request that does not arrive in time ends', () =>
  served({ requestTimeout: 300 }, async ({ url }) => {
    const slow = [await open(url), await open(url)];
    slow[0].socket.write('GET /v2 HTTP/1.1\r\nhost');
    slow[1].socket.write(head(100));
    await Promise.all(slow.map(({ closed }) => closed));
    for (const { said } of slow) expect(said()).toMatch(/^HTTP\/1.1 408 /);
    // On a machine that has much to do, these may be too slow themselves.
    await until(async () => (await refusals(url, 'http', 408)) >= 2);
    await until(async () => (await fetch(`${url}/v2`)).status === 200);
  }));

test('a body, and a form, of which no more comes ends', () =>
  served({ bodyIdle: 300 }, async ({ url }) => {
    const stuck = [await open(url), await open(url)];
    stuck[0].socket.write(`${head(100)}{"inputs"`);
    stuck[1].socket.write(
      'POST /classify HTTP/1.1\r\nhost: localhost\r\ncontent-type: multipart/form-data; boundary=b\r\ncontent-length: 900\r\n\r\n--b\r\n',
    );
    await Promise.all(stuck.map(({ closed }) => closed));
    for (const { said } of stuck) {
      expect(said()).toMatch(/^HTTP\/1.1 408 /);
      expect(said()).toContain('nothing more of the body has come for 0.3 s');
    }
  }));

test('idle and half-open connections do not hold up the end', () =>
  served({ grpcPort: 0 }, async ({ url, grpcPort, stop }, infer) => {
    const agent = new Agent({ keepAlive: true });
    await new Promise<void>((resolve, reject) => {
      const sent = request(`${url}/v2`, { agent }, (response) => {
        response.resume().on('end', () => resolve());
      });
      sent.on('error', reject);
      sent.end();
    });
    expect(firstData(await post(infer, scaleRequest([1, 2, 3, 4])))).toEqual([2, 4, 6, 8]);
    const open3 = [
      await open(url),
      await open(url),
      await open(url),
      await open(`http://127.0.0.1:${grpcPort}`),
    ];
    open3[1].socket.write('POST /v2/mod');
    open3[2].socket.write(`${head(100)}{"inputs"`);
    // Long after the test's end: what stops the server is not this.
    await stop(1000);
    await Promise.all(open3.map(({ closed }) => closed));
    agent.destroy();
  }));
