/** A server over a repository of models whose answers are known. */
import { COLUMNS } from '../../tools/bench/servingModel';
import { startServer, type RunningServer, type ServeOptions } from '../../src/serving/server';

export interface TestServer extends RunningServer {
  /** what it said and warned of */
  readonly lines: string[];
}

/** Runs `body` with a server on free ports, and stops it afterwards. */
export async function withServer(
  directory: string,
  options: Partial<ServeOptions>,
  body: (server: TestServer) => Promise<void>,
): Promise<void> {
  const lines: string[] = [];
  const server = await startServer(
    {
      directory,
      host: '127.0.0.1',
      port: 0,
      maxBatch: 16,
      delay: 2,
      maxQueue: 100,
      maxBody: 2 ** 20,
      requestTimeout: 60_000,
      threads: 1,
      provider: 'cpu',
      reloadEvery: 0,
      ...options,
    },
    { say: (line) => lines.push(line), warn: (line) => lines.push(`warning: ${line}`) },
  );
  try {
    await body({ ...server, lines });
  } finally {
    await server.stop(5);
  }
}

export interface Answer {
  readonly status: number;
  readonly json: Record<string, unknown>;
  readonly headers: Headers;
}

/** POST of JSON, or of bytes as they are. */
export async function post(
  url: string,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  const bytes = body instanceof Uint8Array ? body : JSON.stringify(body);
  const response = await fetch(url, { method: 'POST', body: bytes as string, headers });
  return {
    status: response.status,
    json: (await response.json()) as Record<string, unknown>,
    headers: response.headers,
  };
}

export async function get(url: string): Promise<Answer> {
  const response = await fetch(url);
  return {
    status: response.status,
    json: (await response.json()) as Record<string, unknown>,
    headers: response.headers,
  };
}

/** One input x, [rows, COLUMNS], for the scale model. */
export const scaleRequest = (data: readonly number[], outputs: readonly string[] = ['y']) => ({
  inputs: [{ name: 'x', shape: [data.length / COLUMNS, COLUMNS], datatype: 'FP32', data }],
  outputs: outputs.map((name) => ({ name })),
});

/** The first output's data. */
export const firstData = ({ json }: Answer) => (json.outputs as { data: number[] }[])[0].data;
