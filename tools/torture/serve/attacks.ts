/** Loads and connections that a server has to live with while it answers others. */
import { request } from 'node:http';
import sharp from 'sharp';
import { Random } from '../../../src/base/random';
import { converse, head, open, openMany, sleep } from './connections';
import { inferRequest, type Target } from './target';

export interface Attack {
  readonly name: string;
  /** right requests of others may be refused for a while (429, 503) */
  readonly mayRefuse?: boolean;
  /** what went wrong of what it sent itself */
  readonly run: (target: Target) => Promise<string[]>;
}

const INFER = '/v2/models/fine/infer';
const MIB = 2 ** 20;
const FORM_START =
  '--x\r\ncontent-disposition: form-data; name="file"; filename="a.png"\r\ncontent-type: image/png\r\n\r\n';

/** The status of the answer; 0: the connection was closed without one. */
const send = (port: number, target: string, body: Buffer | string, headers = {}): Promise<number> =>
  new Promise((resolve) => {
    const sent = request(
      { port, host: '127.0.0.1', path: target, method: 'POST', agent: false, headers },
      (response) => {
        response.resume();
        response.once('close', () => resolve(response.statusCode ?? 0));
      },
    );
    sent.once('error', () => resolve(0));
    sent.end(body);
  });

const refused = (statuses: readonly number[], allowed: RegExp): string[] =>
  [...new Set(statuses)]
    .filter((status) => !allowed.test(String(status)))
    .map((status) => `answered ${status}`);

/** JSON of so many bytes: right but for its size. */
function largeJson(bytes: number): string {
  const { inputs } = inferRequest();
  const data = `[${'0.125,'.repeat(bytes / 6)}0]`;
  return JSON.stringify({ inputs: [{ ...inputs[0], data: [] }] }).replace('[]', data);
}

const posts = (name: string, body: () => string, allowed: RegExp, times = 1): Attack => ({
  name,
  mayRefuse: true,
  run: async ({ port }) => {
    const text = body();
    return refused(
      await Promise.all(
        Array.from({ length: times }, () => send(port, INFER, text, { 'content-type': 'application/json' })),
      ),
      allowed,
    );
  },
});

/** Connections that are opened, do something, and are held for so long. */
const holds = (
  name: string,
  count: number,
  seconds: number,
  say: (i: number) => string | Buffer | null,
): Attack => ({
  name,
  run: async ({ port }) => {
    const sockets = await openMany(port, count);
    sockets.forEach((socket, i) => {
      const text = say(i);
      if (text !== null) socket.write(text);
    });
    await sleep(1000 * seconds);
    sockets.forEach((socket) => socket.destroy());
    return [];
  },
});

/** Photographs of 12 megapixels and few bytes, which are large once they are decoded. */
async function withAlpha({ port }: Target): Promise<string[]> {
  const [width, height] = [4000, 3000];
  const background = { r: 9, g: 99, b: 200, alpha: 0.5 };
  const image = await sharp({ create: { width, height, channels: 4, background } })
    .png()
    .toBuffer();
  const headers = { 'content-type': 'image/png' };
  const statuses = await Promise.all(
    Array.from({ length: 30 }, () => send(port, '/classify', image, headers)),
  );
  return refused(statuses, /^(200|413|429|503)$/);
}

/** Noise does not become smaller: as many bytes as a photograph of a camera. */
const noise = () => {
  const [width, height] = [640, 640];
  const random = new Random(0, 'noise');
  const pixels = Uint8Array.from({ length: 3 * width * height }, () => random.integer(256));
  return sharp(pixels, { raw: { width, height, channels: 3 } })
    .png()
    .toBuffer();
};

/** Many right photographs at once, as files or in forms. */
const photographs = (name: string, inForms: boolean): Attack => ({
  name,
  mayRefuse: true,
  run: async ({ port }) => {
    const image = await noise();
    const [start, end] = inForms
      ? [FORM_START, '\r\n--x--\r\n'].map((text) => Buffer.from(text))
      : [Buffer.alloc(0), Buffer.alloc(0)];
    const body = Buffer.concat([start, image, end]);
    const headers = { 'content-type': inForms ? 'multipart/form-data; boundary=x' : 'image/png' };
    const sent = Array.from({ length: 40 }, () => send(port, '/classify', body, headers));
    return refused(await Promise.all(sent), /^(200|413|429|503)$/);
  },
});

async function slowBodies({ port }: Target): Promise<string[]> {
  const sockets = await openMany(port, 40);
  sockets.forEach((socket) =>
    socket.write(head(INFER, { 'content-length': 100_000, 'content-type': 'application/json' })),
  );
  for (let i = 0; i < 40; i++) {
    sockets.forEach((socket) => socket.write(' '));
    await sleep(100);
  }
  sockets.forEach((socket) => socket.destroy());
  return [];
}

async function wrongLengths({ port }: Target): Promise<string[]> {
  const body = JSON.stringify(inferRequest());
  const cases: readonly Readonly<Record<string, string | number>>[] = [
    { 'content-length': body.length - 100 },
    { 'content-length': -5 },
    { 'content-length': 'x' },
    { 'content-length': '99999999999999999999' },
    { 'content-length': body.length, 'transfer-encoding': 'chunked' },
    { 'transfer-encoding': 'chunked' },
    { 'transfer-encoding': 'x, chunked, x' },
  ];
  const answers = await Promise.all(
    cases.map((headers) => converse(port, head(INFER, headers) + body, 2000)),
  );
  return answers.flatMap((answer, i) =>
    /^(HTTP\/1\.1 4\d\d|$)/.test(answer) ? [] : [`${JSON.stringify(cases[i])} got ${answer.slice(0, 80)}`],
  );
}

/** A page of another site that names this server by a name of its own reaches it, unless the name is looked at. */
async function rebinding({ port }: Target): Promise<string[]> {
  const answer = await converse(
    port,
    'GET /v2/models/fine HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n',
    2000,
  );
  return /^HTTP\/1\.1 4\d\d/.test(answer) ? [] : [`Host: evil.example got ${answer.slice(0, 60)}`];
}

export const randomBytes =
  (port: (target: Target) => number, start = ''): Attack['run'] =>
  async (target) => {
    const sends = Array.from({ length: 60 }, async (_, i) => {
      const random = new Random(0, 'bytes', i);
      const bytes = Buffer.from(
        Uint8Array.from({ length: 1 + random.integer(5000) }, () => random.integer(256)),
      );
      await converse(port(target), Buffer.concat([Buffer.from(start, 'latin1'), bytes]), 500);
    });
    await Promise.all(sends);
    return [];
  };

/** Clients that ask and are gone before they are answered. */
async function gone({ port }: Target): Promise<string[]> {
  const body = JSON.stringify(inferRequest());
  for (let i = 0; i < 60; i++) {
    const socket = await open(port);
    socket.write(
      head(INFER, { 'content-length': body.length }) +
        body.slice(0, i % 2 === 0 ? undefined : body.length >> 1),
    );
    await sleep(5);
    socket.resetAndDestroy();
  }
  return [];
}

const REFUSED = /^(400|413|429|503)$/;

/** Of HTTP, the cheap ones first. */
export const HTTP_ATTACKS: readonly Attack[] = [
  { name: 'nothing', run: async () => (await sleep(2000), []) },
  { name: 'Host of another site', run: rebinding },
  { name: 'wrong lengths', run: wrongLengths },
  { name: 'random bytes', run: randomBytes(({ port }) => port) },
  { name: 'gone clients', run: gone },
  holds('300 silent connections', 300, 3, () => null),
  holds('100 half heads', 100, 3, () => 'POST /v2/models/fine/infer HTTP/1.1\r\nHost: loc'),
  holds('16 announced bodies of 64 MB', 16, 4, () =>
    head(INFER, { 'content-length': 64 * MIB, 'content-type': 'application/json' }),
  ),
  holds('16 announced images of 64 MB', 16, 4, () =>
    head('/classify', { 'content-length': 64 * MIB, 'content-type': 'application/octet-stream' }),
  ),
  holds('16 announced forms', 16, 4, () =>
    head('/classify', { 'content-length': 64 * MIB, 'content-type': 'multipart/form-data; boundary=x' }),
  ),
  { name: 'slow bodies', run: slowBodies },
  posts('nested JSON of 2 MB', () => '['.repeat(2 * MIB), REFUSED),
  posts('nested inputs of 2 MB', () => `{"inputs":${'[{"data":'.repeat(2 ** 18)}`, REFUSED),
  posts(
    'a million keys',
    () => `{${Array.from({ length: 2 ** 20 }, (_, i) => `"k${i}":0`).join()}}`,
    REFUSED,
  ),
  posts('JSON of 11 MB', () => largeJson(11 * MIB), REFUSED),
  posts('four of JSON of 11 MB', () => largeJson(11 * MIB), REFUSED, 4),
  posts('JSON of 48 MB', () => largeJson(48 * MIB), REFUSED),
  posts(
    'right JSON of 30 images, 40 times',
    () => JSON.stringify(inferRequest(30)),
    /^(200|413|429|503)$/,
    40,
  ),
  photographs('40 photographs', false),
  photographs('40 photographs in forms', true),
  { name: '30 images with alpha', mayRefuse: true, run: withAlpha },
];
