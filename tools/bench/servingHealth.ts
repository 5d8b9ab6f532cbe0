/**
 * Whether `selfie serve` answers /v2/health/live while it is busy: the time of that under large bodies and answers of both
 * protocols, for each load (`npm run bench:serving -- --health`).
 */
import { Client, credentials } from '@grpc/grpc-js';
import { mkdtempSync, rmSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import sharp from 'sharp';
import { answerCalls, WorkerCalls } from '../../src/base/workerCalls';
import { inferenceMethod } from '../../src/serving/protocol/grpcMessages';
import { startServe } from './serveProcess';
import { addVersion, COLUMNS, meanModel, scaleModel } from './servingModel';
import { median } from './statistics';

/** Milliseconds between two questions. */
const EVERY = 10;
/** Of each load at once. */
const CLIENTS = 4;

interface Load {
  readonly name: string;
  readonly send: () => Promise<unknown>;
}

function exchange(url: string, agent: Agent, body?: Buffer): Promise<number> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method: body === undefined ? 'GET' : 'POST', agent }, (response) => {
      response.on('error', reject).on('end', () => resolve(response.statusCode ?? 0));
      response.resume();
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

/** A request of that many rows. */
function rows(count: number, isNested: boolean): string {
  const row = Array.from({ length: COLUMNS }, (_, i) => i + 0.5).join();
  const data = `[${Array.from({ length: count }, () => (isNested ? `[${row}]` : row)).join()}]`;
  return `{"inputs":[{"name":"x","shape":[${count},${COLUMNS}],"datatype":"FP32","data":${data}}]}`;
}

function loadsOf(url: string, grpcPort: number | null, image: Buffer): Load[] {
  const agent = new Agent({ keepAlive: true });
  const post = (address: string, body: Buffer) => () => exchange(`${url}${address}`, agent, body);
  const infer = (name: string, body: string): Load => ({
    name,
    send: post('/v2/models/scale/infer', Buffer.from(body)),
  });
  const values = Array.from({ length: 12e6 }, (_, i) => i / 8);
  const message = inferenceMethod('ModelInfer').requestSerialize({
    model_name: 'scale',
    inputs: [{ name: 'x', datatype: 'FP32', shape: [3e6, COLUMNS], contents: { fp32_contents: values } }],
  });
  const client = new Client(`127.0.0.1:${grpcPort}`, credentials.createInsecure());
  const asIs = (bytes: Buffer) => bytes;
  const call = () =>
    new Promise<void>((resolve) => {
      const method = '/inference.GRPCInferenceService/ModelInfer';
      client.makeUnaryRequest(method, asIs, asIs, message, () => resolve());
    });
  return [
    { name: 'nothing', send: () => new Promise((resolve) => setTimeout(resolve, EVERY)) },
    infer('11 MB of JSON', rows(687_000, false)),
    infer('48 MB of JSON', rows(3_000_000, false)),
    infer('48 MB of JSON, row by row', rows(2_660_000, true)),
    infer('24 MB of keys', `{${Array.from({ length: 2e6 }, (_, i) => `"${1e6 + i}":1`).join()}}`),
    infer('JSON and answers of 32,000 rows', rows(32_000, false)),
    { name: 'messages of 48 MB', send: call },
    { name: 'images of 100 million pixels with alpha', send: post('/embed', image) },
  ];
}

interface Questions {
  readonly url: string;
  readonly seconds: number;
}

/** Milliseconds of each question in so many seconds; in a thread of its own, which sends nothing else. */
async function ask({ url, seconds }: Questions): Promise<number[]> {
  const agent = new Agent({ keepAlive: true });
  const times: number[] = [];
  const end = performance.now() + 1000 * seconds;
  while (performance.now() < end) {
    const start = performance.now();
    await exchange(`${url}/v2/health/live`, agent);
    times.push(performance.now() - start);
    await new Promise((resolve) => setTimeout(resolve, EVERY));
  }
  agent.destroy();
  return times.sort((a, b) => a - b);
}

answerCalls(ask);

/** Those while `load` runs. */
async function healthUnder(
  thread: WorkerCalls<Questions, number[]>,
  questions: Questions,
  load: Load,
): Promise<number[]> {
  let isOver = false;
  const busy = Array.from({ length: CLIENTS }, async () => {
    while (!isOver) await load.send();
  });
  const times = await thread.call(questions);
  isOver = true;
  await Promise.all(busy);
  return times;
}

export async function measureHealth(seconds: number): Promise<void> {
  const repository = mkdtempSync(path.join(tmpdir(), 'selfie-load-'));
  addVersion(repository, 'scale', 1, scaleModel(3));
  addVersion(repository, 'mean', 1, meanModel());
  const thread = new WorkerCalls<Questions, number[]>(__filename, undefined, 'the thread that asks');
  const server = await startServe(repository, '--grpc-port', '0', '--max-batch', '32000');
  try {
    const image = await sharp({ create: { width: 1e4, height: 1e4, channels: 4, background: '#f008' } })
      .png()
      .toBuffer();
    for (const load of loadsOf(server.url, server.grpcPort, image)) {
      const times = await healthUnder(thread, { url: server.url, seconds }, load);
      const p99 = times[Math.floor(0.99 * (times.length - 1))];
      console.log(
        `${load.name}: health answers in ${median(times).toFixed(1)} ms (median), ${p99.toFixed(1)} ms (99 %), ${times[times.length - 1].toFixed(1)} ms (longest of ${times.length})`,
      );
    }
  } finally {
    await thread.close();
    server.child.kill('SIGKILL');
    rmSync(repository, { recursive: true, force: true });
  }
}
