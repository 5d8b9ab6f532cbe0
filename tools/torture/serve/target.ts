/** The server that is attacked: its process, its memory, the prober beside it, and what right requests get. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { type ServeProcess, startServe } from '../../bench/serveProcess';
import type { Probes } from './prober';

export interface Target extends ServeProcess {
  readonly port: number;
  /** what came of the probes since the last call */
  readonly probes: () => Promise<Probes>;
  /** resident bytes, now and at most */
  readonly memory: () => { readonly now: number; readonly most: number };
  /** whether right requests of both kinds get their right answers; empty: yes */
  readonly ask: () => Promise<string[]>;
  readonly close: () => void;
}

/** A request that takes longer than this is not answered. */
const PATIENCE = 60_000;
/** Numbers of the input of one image. */
const VALUES = 3 * 32 * 32;

export const inferRequest = (images = 1) => ({
  inputs: [
    {
      name: 'image',
      shape: [images, 3, 32, 32],
      datatype: 'FP32',
      data: Array.from({ length: images * VALUES }, (_, i) => (i % 7) / 7),
    },
  ],
});

/** What lies behind a failed fetch. */
export const causeOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
};

/** The body of the answer, or why there is none. */
async function post(url: string, body: string | Uint8Array): Promise<string> {
  try {
    const signal = AbortSignal.timeout(PATIENCE);
    const response = await fetch(url, { method: 'POST', body: body as string, signal });
    const text = await response.text();
    return response.ok ? text : `${response.status}: ${text}`;
  } catch (error) {
    return `no answer: ${causeOf(error)}`;
  }
}

/** Serves the run of the material's folder, by HTTP and gRPC. */
export async function openTarget(material: string, ...options: readonly string[]): Promise<Target> {
  const server = await startServe(path.join(material, 'fine'), '--grpc-port', '0', ...options);
  const { child, url } = server;
  // as text of stdout is read already, the rest must be too
  child.stdout?.resume();
  const prober = fork(path.join(__dirname, 'prober.js'), [url], {
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  const photo = readFileSync(path.join(material, 'photos', 'test', 'pear', '0.png'));
  const infer = () => post(`${url}/v2/models/fine/infer`, JSON.stringify(inferRequest()));
  const classify = () => post(`${url}/classify?top=3`, photo);
  const [inferred, classified] = [await infer(), await classify()];
  if (!inferred.includes('"outputs"') || !classified.includes('"classes"'))
    throw new Error(`the server answers nothing right: ${inferred} ${classified}`);
  const status = (name: string) =>
    Number(new RegExp(`${name}:\\s+(\\d+)`).exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1]) *
    1024;
  const memory = () => {
    try {
      return { now: status('VmRSS'), most: status('VmHWM') };
    } catch {
      return { now: NaN, most: NaN };
    }
  };
  return {
    ...server,
    port: Number(new URL(url).port),
    probes: async () => {
      const answer = once(prober, 'message');
      prober.send('tell');
      return ((await answer) as [Probes])[0];
    },
    memory,
    ask: async () => {
      const [first, second] = await Promise.all([infer(), classify()]);
      return [
        ...(first === inferred ? [] : [`a right inference got ${first.slice(0, 200)}`]),
        ...(second === classified ? [] : [`a right image got ${second.slice(0, 200)}`]),
      ];
    },
    close: () => {
      prober.disconnect();
      child.kill('SIGKILL');
    },
  };
}
