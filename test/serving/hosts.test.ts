/** By which names a server answers: a page of a stranger may have its own name point to this machine. */
import { credentials, Metadata, status, Client } from '@grpc/grpc-js';
import { request } from 'node:http';
import { addVersion, scaleModel } from '../../tools/bench/servingModel';
import { Hosts } from '../../src/serving/hosts';
import { withServer } from '../support/serving';
import { inTemporaryFolder } from '../support/temporary';
import { userErrorOf } from '../support/userError';

const allows = (bound: string, allowed: readonly string[] | undefined, host: string | undefined) => {
  try {
    new Hosts(bound, allowed).require(host);
    return true;
  } catch {
    return false;
  }
};

test.each([
  ['127.0.0.1', undefined, true, ['localhost', 'LOCALHOST:80', '127.0.0.1:8080', '[::1]', '[::1]:1', '::1']],
  [
    '127.0.0.1',
    undefined,
    false,
    ['evil.com', 'evil.com:80', 'localhost.evil.com', '', '10.0.0.1', '127.0.0.1.evil.com'],
  ],
  ['localhost', undefined, false, ['evil.com']],
  ['::1', undefined, false, ['evil.com']],
  ['127.0.0.2', undefined, true, ['127.0.0.2:80']],
  ['127.0.0.2', undefined, false, ['evil.com']],
  ['0.0.0.0', undefined, true, ['evil.com']],
  ['0.0.0.0', ['good.com'], true, ['good.com:80', 'Good.com', 'localhost']],
  ['0.0.0.0', ['good.com'], false, ['evil.com', 'a.good.com', 'good.com.evil']],
  ['127.0.0.1', ['good.com'], true, ['good.com', 'localhost']],
  ['127.0.0.1', ['*'], true, ['evil.com']],
] as const)('bound to %s, allowed %s: %s for %s', (bound, allowed, answer, hosts) => {
  for (const host of hosts) expect([host, allows(bound, allowed, host)]).toEqual([host, answer]);
});

test('no name, and what is no name', () => {
  expect(allows('127.0.0.1', undefined, undefined)).toBe(false);
  for (const name of ['http://a.com', 'a.com:80', 'a b', '', '*.a.com'])
    expect(userErrorOf(() => new Hosts('127.0.0.1', [name]))).toContain(`--allowed-hosts ${name}: expected`);
});

test('over HTTP and over gRPC', () =>
  inTemporaryFolder(async (folder) => {
    addVersion(folder, 'scale', 1, scaleModel(2));
    await withServer(folder, { grpcPort: 0, allowedHosts: ['good.com'] }, async ({ url, grpcPort }) => {
      const ask = (path: string, host: string) =>
        new Promise<string>((resolve, reject) => {
          request(`${url}${path}`, { headers: { host } }, (response) => {
            let body = '';
            response.on('data', (part: Buffer) => (body += part.toString()));
            response.on('end', () => resolve(`${response.statusCode} ${body}`));
          })
            .on('error', reject)
            .end();
        });
      for (const path of ['/', '/v2', '/v2/health/live', '/metrics', '/nothing'])
        expect(await ask(path, 'evil.com')).toMatch(
          /^403 \{"error":"host evil.com is not served; .*--allowed-hosts evil.com"\}$/,
        );
      expect(await ask('/v2/health/live', 'good.com:1')).toBe('200 {"live":true}');
      const call = (authority: string) =>
        new Promise<status>((resolve) => {
          const client = new Client(`127.0.0.1:${grpcPort}`, credentials.createInsecure(), {
            'grpc.default_authority': authority,
          });
          const asIs = (bytes: Buffer) => bytes;
          const method = '/inference.GRPCInferenceService/ServerLive';
          client.makeUnaryRequest(method, asIs, asIs, Buffer.alloc(0), new Metadata(), (error) => {
            client.close();
            resolve(error?.code ?? status.OK);
          });
        });
      expect(await call('evil.com')).toBe(status.PERMISSION_DENIED);
      expect(await call('good.com')).toBe(status.OK);
    });
  }));
