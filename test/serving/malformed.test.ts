/** Whatever comes over HTTP and gRPC: an error in the protocol's form, short and without control characters, and never the server's. */
import { Client, credentials, status } from '@grpc/grpc-js';
import { connect } from 'node:net';
import { gzipSync } from 'node:zlib';
import { addVersion, scaleModel } from '../../tools/bench/servingModel';
import { inferenceMethod } from '../../src/serving/protocol/grpcMessages';
import { firstData, post, scaleRequest, withServer, type TestServer } from '../support/serving';
import { inTemporaryFolder } from '../support/temporary';

const served = (body: (server: TestServer, infer: string) => Promise<void>) =>
  inTemporaryFolder(async (folder) => {
    addVersion(folder, 'scale', 1, scaleModel(2));
    await withServer(folder, { grpcPort: 0, maxBody: 2 ** 22 }, (server) =>
      body(server, `${server.url}/v2/models/scale/infer`),
    );
  });

/** What makes the server fail, or a client's terminal or log misread what it says. */
const NEVER = /[\p{Cc}\u2028]|unexpected|nobody foresaw|\bat .*\.js/iu;

const input = { name: 'x', shape: [1, 4], datatype: 'FP32', data: [1, 2, 3, 4] as unknown };
const request = (changed: object, more: object = {}) =>
  JSON.stringify({ inputs: [{ ...input, ...changed }], ...more });
const binary = (size: unknown) => request({ data: undefined, parameters: { binary_data_size: size } });
const numbers = (text: string) => request({}).replace('[1,2,3,4]', text);

/** A body, and headers. */
const BODIES: readonly (readonly [name: string, body: string | Buffer, headers?: Record<string, string>])[] =
  [
    ['nothing', ''],
    ['null', 'null'],
    ['a number', '1'],
    ['a list', '[]'],
    ['no UTF-8', Buffer.from([0x7b, 0xff, 0xfe, 0x7d])],
    ['lists without end', '['.repeat(1e6)],
    ['lists in lists', numbers(`${'['.repeat(5e5)}${']'.repeat(5e5)}`)],
    ['objects in objects', '{"a":'.repeat(6e5)],
    ['many keys', `{${Array.from({ length: 2e5 }, (_, i) => `"k${i}":1`).join()}}`],
    ['infinity', numbers('[1e999,1,1,1]')],
    ['NaN', numbers('[NaN,1,1,1]')],
    ['texts', numbers('["1","2","3","4"]')],
    ['lists among numbers', numbers('[1,[2],3,4]')],
    ['an object as data', numbers('{}')],
    ['a negative size', request({ shape: [-1, 4] })],
    ['a billion without data', request({ shape: [1e9] })],
    ['a product beyond numbers', request({ shape: [2 ** 40, 2 ** 40] })],
    ['a fraction', request({ shape: [1.5, 4] })],
    ['no row', request({ shape: [0, 4], data: [] })],
    ['more axes than any', request({ shape: Array.from({ length: 17 }, () => 1) })],
    ['less data than the shape', request({ shape: [2, 4] })],
    ['a type that is not there', request({ datatype: '\u001b[31m' })],
    ['text', request({ datatype: 'BYTES', data: ['a'] })],
    ['an input twice', JSON.stringify({ inputs: [input, input] })],
    ['a name of control characters', request({ name: '\u001b[2J\n\0' })],
    ['a name without end', request({ name: 'a'.repeat(1e5) })],
    ['an output of control characters', request({}, { outputs: [{ name: '\u001b]0;\u0007' }] })],
    ['more bytes than there are', binary(1e9)],
    ['fewer than none', binary(-1)],
    ['a part of a byte', binary(1.5)],
    ['a longer head than the body', request({}), { 'inference-header-content-length': '999999' }],
    ['a negative head', request({}), { 'inference-header-content-length': '-1' }],
    ['a head in another base', request({}), { 'inference-header-content-length': '0x4a' }],
    ['no gzip', 'abc', { 'content-encoding': 'gzip' }],
    ['half a gzip', gzipSync(request({})).subarray(0, 30), { 'content-encoding': 'gzip' }],
    ['a gzip that swells', gzipSync(Buffer.alloc(1e8, 32)), { 'content-encoding': 'gzip' }],
    ['an unknown coding', 'abc', { 'content-encoding': 'zz' }],
  ];

test('bodies', () =>
  served(async ({ lines }, infer) => {
    for (const [name, body, headers] of BODIES) {
      const { status: code, json } = await post(infer, Buffer.from(body), headers);
      expect([name, Math.floor(code / 100), typeof json.error]).toEqual([name, 4, 'string']);
      expect(json.error).not.toMatch(NEVER);
      expect(String(json.error).length).toBeLessThanOrEqual(503);
    }
    expect(firstData(await post(infer, scaleRequest([1, 2, 3, 4])))).toEqual([2, 4, 6, 8]);
    expect(lines.filter((line) => line.startsWith('warning'))).toEqual([]);
  }));

const head = 'POST /v2/models/scale/infer HTTP/1.1\r\nhost: localhost\r\n';
const HEADS = [
  ['a chunk of no size', `${head}transfer-encoding: chunked\r\n\r\nzz\r\n`],
  ['a chunk of less than nothing', `${head}transfer-encoding: chunked\r\n\r\n-1\r\n`],
  ['two ways to end', `${head}transfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n0\r\n\r\n`],
  ['a length of letters', `${head}content-length: abc\r\n\r\n`],
  ['a negative length', `${head}content-length: -1\r\n\r\n`],
  ['two lengths', `${head}content-length: 1\r\ncontent-length: 2\r\n\r\naa`],
  ['a length beyond numbers', `${head}content-length: 99999999999999999999\r\n\r\n`],
  ['a header without end', `${head}x: ${'a'.repeat(1e5)}\r\n\r\n`],
  ['a NUL', `${head}x: \0\r\n\r\n`],
  ['no host', 'GET /v2 HTTP/1.1\r\n\r\n'],
  ['an expectation', `${head}expect: tea\r\ncontent-length: 0\r\n\r\n`],
  ['an address that is no text', 'GET /v2/models/%zz HTTP/1.1\r\nhost: localhost\r\n\r\n'],
  ['control characters', 'GET /v2/models/%1b%5b2J%0a HTTP/1.1\r\nhost: localhost\r\n\r\n'],
  ['a way up', 'GET /v2/models/..%2f..%2fetc/config HTTP/1.1\r\nhost: localhost\r\n\r\n'],
  ['an address without end', `GET /${'a'.repeat(9000)} HTTP/1.1\r\nhost: localhost\r\n\r\n`],
  ['another protocol', '\u0016\u0003\u0001\0\u00a5\u0001\0'],
] as const;

test('heads', () =>
  served(async ({ url }, infer) => {
    for (const [name, bytes] of HEADS) {
      const said = await new Promise<string>((resolve) => {
        const socket = connect(Number(new URL(url).port), '127.0.0.1');
        let text = '';
        socket.on('data', (part: Buffer) => {
          text += part.toString();
          if (/\}$/.test(text)) socket.destroy();
        });
        socket.on('error', () => {});
        socket.on('close', () => resolve(text));
        socket.write(bytes, 'latin1');
      });
      expect([name, said]).toEqual([name, expect.stringMatching(/^HTTP\/1.1 4\d\d .*\{"error":".*"\}$/s)]);
      const { error } = JSON.parse(said.slice(said.indexOf('{"error"'))) as { error: string };
      expect(error).not.toMatch(NEVER);
      expect(error.length).toBeLessThanOrEqual(503);
    }
    expect(firstData(await post(infer, scaleRequest([1, 2, 3, 4])))).toEqual([2, 4, 6, 8]);
  }));

const tensor = { name: 'x', datatype: 'FP32', shape: [1, 4], contents: { fp32_contents: [1, 2, 3, 4] } };
const message = (changed: object, model = 'scale') =>
  Buffer.from(
    inferenceMethod('ModelInfer').requestSerialize({
      model_name: model,
      inputs: [{ ...tensor, ...changed }],
    }),
  );
const MESSAGES: readonly (readonly [method: string, bytes: Buffer, code: status])[] = [
  ['ModelInfer', message({}), status.OK],
  ['ModelInfer', Buffer.alloc(0), status.NOT_FOUND],
  ['ModelInfer', Buffer.alloc(1e5, 0xff), status.INVALID_ARGUMENT],
  ['ModelInfer', Buffer.alloc(3e6, Buffer.from([0x2a, 0])), status.INVALID_ARGUMENT],
  ['ModelInfer', message({ shape: [-1, 4] }), status.INVALID_ARGUMENT],
  ['ModelInfer', message({ shape: ['9223372036854775807', 4] }), status.INVALID_ARGUMENT],
  ['ModelInfer', message({ shape: [1e9] }), status.INVALID_ARGUMENT],
  ['ModelInfer', message({ datatype: 'BYTES' }), status.INVALID_ARGUMENT],
  ['ModelInfer', message({ name: '\u001b[2J\n'.repeat(1000) }), status.INVALID_ARGUMENT],
  ['ModelInfer', message({}, '\u001b[2J\n'.repeat(1000)), status.NOT_FOUND],
  ['ModelInfer', message({ contents: { fp32_contents: [NaN, 1, 1, 1] } }), status.INVALID_ARGUMENT],
  ['ServerLive', Buffer.alloc(100, 0xff), status.INVALID_ARGUMENT],
  ['ModelMetadata', Buffer.alloc(1e6, Buffer.from([0x50, 0])), status.RESOURCE_EXHAUSTED],
];

test('messages', () =>
  served(async ({ grpcPort, lines }) => {
    const client = new Client(`127.0.0.1:${grpcPort}`, credentials.createInsecure());
    const asIs = (bytes: Buffer) => bytes;
    for (const [i, [method, bytes, code]] of MESSAGES.entries()) {
      const error = await new Promise<{ code: status; details: string }>((resolve) => {
        const name = `/inference.GRPCInferenceService/${method}`;
        client.makeUnaryRequest(name, asIs, asIs, bytes, (found) =>
          resolve(found ?? { code: status.OK, details: '' }),
        );
      });
      expect([i, status[error.code]]).toEqual([i, status[code]]);
      expect(error.details).not.toMatch(NEVER);
      expect(error.details.length).toBeLessThanOrEqual(503);
    }
    client.close();
    expect(lines.filter((line) => line.startsWith('warning'))).toEqual([]);
  }));
