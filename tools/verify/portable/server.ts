/** Folders as a web site on this machine alone, for as long as a check runs. */
import { once } from 'node:events';
import { createReadStream, statSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.wasm': 'application/wasm',
  '.json': 'application/json',
};

export interface StaticServer {
  /** `http://127.0.0.1:PORT` */
  readonly address: string;
  close(): Promise<void>;
}

/** What lets pages share memory among threads. */
const ISOLATION = {
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
};

/** Serves each folder below the name that it has in `folders`; nothing outside of them. `isolated`: pages may use threads. */
export async function serve(
  folders: Readonly<Record<string, string>>,
  { isolated = false } = {},
): Promise<StaticServer> {
  const server = createServer((request, response) => {
    const [, name, ...rest] = decodeURIComponent(
      new URL(request.url ?? '/', 'http://localhost').pathname,
    ).split('/');
    const folder = Object.hasOwn(folders, name) ? folders[name] : undefined;
    const file = path.join(folder ?? '/', ...rest);
    const inside = folder !== undefined && file.startsWith(path.resolve(folder) + path.sep);
    if (!inside || !statSync(file, { throwIfNoEntry: false })?.isFile()) {
      response.writeHead(404).end();
      return;
    }
    const type = TYPES[path.extname(file)] ?? 'application/octet-stream';
    response.writeHead(200, { 'content-type': type, ...(isolated ? ISOLATION : {}) });
    createReadStream(file).pipe(response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
