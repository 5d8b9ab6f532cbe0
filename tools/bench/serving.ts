/**
 * Load on `selfie serve`: many clients for some seconds, every answer checked, and SIGTERM while they ask
 * (`npm run bench:serving`).
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import yargs from 'yargs';
import { whole } from '../../src/commands/command';
import { startServe } from './serveProcess';
import { measureHealth } from './servingHealth';
import { median } from './statistics';
import { addVersion, COLUMNS, scaleModel } from './servingModel';

const FACTOR = 3;
const MODEL = 'scale';

interface Counts {
  right: number;
  wrong: number;
  /** 429 and 503, as the protocol has them */
  refused: number;
  /** no answer */
  lost: number;
  /** no answer after SIGTERM: connections that were closed, and new ones that were refused */
  cut: number;
  readonly seconds: number[];
}

interface Answer {
  readonly status: number;
  readonly body: string;
}

function post(url: string, body: string, agent: Agent): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method: 'POST', agent }, (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, body: Buffer.concat(parts).toString() }),
      );
      response.on('error', reject);
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

/** One client: a request after the other until the server is gone. Numbers are multiples of 1/8, exact in float32 and times three. */
async function client(url: string, agent: Agent, isStopping: () => boolean, counts: Counts): Promise<void> {
  for (;;) {
    const rows = 1 + Math.floor(3 * Math.random());
    const data = Array.from({ length: rows * COLUMNS }, () => Math.floor(8e4 * Math.random()) / 8);
    const inputs = [{ name: 'x', shape: [rows, COLUMNS], datatype: 'FP32', data }];
    const start = performance.now();
    try {
      const { status, body } = await post(url, JSON.stringify({ inputs, outputs: [{ name: 'y' }] }), agent);
      if (status === 200) {
        counts.seconds.push((performance.now() - start) / 1000);
        const { outputs } = JSON.parse(body) as { outputs: { data: number[] }[] };
        const expected = data.map((value) => FACTOR * value);
        if (outputs[0].data.join() === expected.join()) counts.right++;
        else counts.wrong++;
      } else if (status === 429 || status === 503) {
        counts.refused++;
        await new Promise((resolve) => setTimeout(resolve, 10));
      } else {
        counts.wrong++;
      }
    } catch {
      if (isStopping()) {
        counts.cut++;
        return;
      }
      counts.lost++;
    }
  }
}

async function main(): Promise<void> {
  const options = yargs(process.argv.slice(2))
    .options({
      clients: whole('--clients', 1, 'at once (default: 200)'),
      seconds: whole('--seconds', 1, 'of load (default: 30)'),
      health: {
        type: 'boolean',
        default: false,
        describe: 'instead: how soon /v2/health/live answers under each of some loads',
      },
    })
    .strict()
    .parseSync();
  const { clients = 200, seconds = 30 } = options;
  if (options.health) {
    await measureHealth(seconds);
    return;
  }
  const repository = mkdtempSync(path.join(tmpdir(), 'selfie-load-'));
  addVersion(repository, MODEL, 1, scaleModel(FACTOR));
  const server = await startServe(repository);
  try {
    const counts: Counts = { right: 0, wrong: 0, refused: 0, lost: 0, cut: 0, seconds: [] };
    const agent = new Agent({ keepAlive: true, maxSockets: clients });
    let isStopping = false;
    setTimeout(() => {
      isStopping = true;
      server.child.kill('SIGTERM');
    }, 1000 * seconds);
    const url = `${server.url}/v2/models/${MODEL}/infer`;
    await Promise.all(Array.from({ length: clients }, () => client(url, agent, () => isStopping, counts)));
    const code = await server.ended;
    agent.destroy();
    const { right, wrong, refused, lost, cut } = counts;
    const told = Number(/stopped after (\d+) answers/.exec(server.said())?.[1]);
    console.log(
      `${clients} clients, ${seconds} s: ${right} right, ${wrong} wrong, ${refused} refused, ${lost} lost`,
    );
    console.log(
      `SIGTERM while they asked: the server gave ${told} answers in all, ${right + wrong} arrived; it ended with ${code}`,
    );
    console.log(`after it ${cut} requests found it closed`);
    const sorted = counts.seconds.sort((a, b) => a - b);
    const p99 = sorted[Math.floor(0.99 * (sorted.length - 1))] ?? NaN;
    console.log(
      `${(right / seconds).toFixed(0)} answers a second; latency median ${(1000 * median(sorted)).toFixed(1)} ms, 99 % ${(1000 * p99).toFixed(1)} ms`,
    );
    if (wrong > 0 || lost > 0 || right === 0 || told !== right || code !== 0) process.exitCode = 1;
  } finally {
    server.child.kill('SIGKILL');
    rmSync(repository, { recursive: true, force: true });
  }
}

void main();
