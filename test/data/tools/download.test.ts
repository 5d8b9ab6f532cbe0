import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { download } from '../../../src/data/tools/download';
import { until } from '../../support/until';
import { inTemporaryFolder } from '../../support/temporary';
import { writeTar } from '../samples';

/** An archive of one folder; random bytes, so that it stays long when packed. */
async function makeArchive(folder: string, names: readonly string[]): Promise<Buffer> {
  const content = Buffer.from(Array.from({ length: 60_000 }, (_, i) => (i * i * 2654435761) >>> 13));
  await writeTar(
    path.join(folder, 'a.tar'),
    names.map((name) => [name, content]),
  );
  return gzipSync(readFileSync(path.join(folder, 'a.tar')));
}

async function withServer(listener: RequestListener, body: (url: string) => Promise<void>): Promise<void> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    await body(`http://127.0.0.1:${(server.address() as AddressInfo).port}/set.tar.gz`);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

const sizeOf = (file: string) => statSync(file, { throwIfNoEntry: false })?.size ?? 0;

const md5 = (bytes: Buffer) => createHash('md5').update(bytes).digest('hex');

it('goes on by ranges where the server cuts it off, checks the sum and unpacks', () =>
  inTemporaryFolder(async (folder) => {
    const archive = await makeArchive(folder, ['set/x.bin', 'set/y.bin']);
    const ranges: (string | undefined)[] = [];
    const part = path.join(folder, 'data', 'set.tar.gz.part');
    const cutting: RequestListener = ({ headers }, response) => {
      ranges.push(headers.range);
      const from = Number(/bytes=(\d+)-/.exec(headers.range ?? '')?.[1] ?? 0);
      const rest = archive.subarray(from);
      response.writeHead(from > 0 ? 206 : 200, {
        'content-length': rest.length,
        ...(from > 0 && { 'content-range': `bytes ${from}-${archive.length - 1}/${archive.length}` }),
      });
      const end = Math.ceil(archive.length / 3);
      if (rest.length <= end) {
        response.end(rest);
        return;
      }
      response.write(rest.subarray(0, end));
      // the client's system would throw away what it had not read yet
      void until(() => sizeOf(part) === from + end).then(() => response.destroy());
    };
    await withServer(cutting, async (url) => {
      const to = path.join(folder, 'data');
      const target = await download({ url, md5: md5(archive), folder: 'set' }, to);
      expect(target).toBe(path.join(to, 'set'));
      expect(readdirSync(to)).toEqual(['set']);
      expect(readdirSync(target).sort()).toEqual(['x.bin', 'y.bin']);
      expect(readFileSync(path.join(target, 'y.bin'))).toHaveLength(60_000);
      const third = Math.ceil(archive.length / 3);
      expect(ranges).toEqual([undefined, `bytes=${third}-`, `bytes=${2 * third}-`]);
      const asked = ranges.length;
      await download({ url, md5: md5(archive), folder: 'set' }, to);
      expect(ranges).toHaveLength(asked);
    });
  }));

it.each<[string, readonly string[], boolean, number, RegExp]>([
  ['a wrong sum', ['set/x.bin'], false, 200, /has the MD5 sum .*, published is/],
  ['a file outside', ['set/../../evil.bin'], true, 200, /holds set\/\.\.\/\.\.\/evil\.bin/],
  ['a server that refuses', ['set/x.bin'], true, 404, /answers 404/],
])('refuses %s and leaves no folder', (_name, names, right, status, message) =>
  inTemporaryFolder(async (folder) => {
    const archive = await makeArchive(folder, names);
    await withServer(
      (_request, response) => response.writeHead(status).end(archive),
      async (url) => {
        const to = path.join(folder, 'data');
        const sum = right ? md5(archive) : md5(Buffer.of(1));
        await expect(download({ url, md5: sum, folder: 'set' }, to)).rejects.toThrow(message);
        expect(readdirSync(to).filter((name) => !name.endsWith('.part'))).toEqual([]);
        expect(existsSync(path.join(folder, 'evil.bin'))).toBe(false);
      },
    );
  }),
);
