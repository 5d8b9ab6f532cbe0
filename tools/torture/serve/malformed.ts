/** Requests that are wrong in one way, and the answers that they may get: never one of the 500s but 501, never none. */
import { gzipSync } from 'node:zlib';
import { Random } from '../../../src/base/random';
import { damage, drawMutations } from '../damage/mutations';
import { inferRequest } from './target';

export interface Malformed {
  readonly name: string;
  readonly path: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer | string;
}

const INFER = '/v2/models/fine/infer';
const HEADER_LENGTH = 'inference-header-content-length';
const [input] = inferRequest().inputs;
const with_ = (change: object) => JSON.stringify({ inputs: [{ ...input, ...change }] });

const bodies: Readonly<Record<string, string>> = {
  empty: '',
  'no JSON': '{"inputs":',
  'another kind': '[1,2]',
  null: 'null',
  'no inputs': '{}',
  'inputs of another kind': '{"inputs":{"a":1}}',
  'an unknown input': with_({ name: 'pixels' }),
  'a name with control characters': with_({ name: '\u0000\u001b[31m\n' }),
  'a long name': with_({ name: 'x'.repeat(100_000) }),
  'an unknown type': with_({ datatype: 'FP99' }),
  'another type': with_({ datatype: 'INT8' }),
  'a negative shape': with_({ shape: [-1, 3, 32, 32] }),
  'a shape without end': with_({ shape: [2 ** 31, 2 ** 31, 2 ** 31, 2 ** 31] }),
  'a shape of fractions': with_({ shape: [1.5, 3, 32, 32] }),
  'a shape of no images': with_({ shape: [0, 3, 32, 32], data: [] }),
  'another shape': with_({ shape: [3072] }),
  'too few values': with_({ data: [1] }),
  'values of another kind': with_({ data: Array(3072).fill('x') }),
  'values that are null': with_({ data: Array(3072).fill(null) }),
  'values too large': with_({ data: Array(3072).fill(1e300) }),
  'binary data that is not there': with_({ data: undefined, parameters: { binary_data_size: 12288 } }),
  'binary data of a negative size': with_({ data: undefined, parameters: { binary_data_size: -4 } }),
  'an unknown output': JSON.stringify({ ...inferRequest(), outputs: [{ name: 'nothing' }] }),
  'a prototype': `{"__proto__":{"x":1},"inputs":[${JSON.stringify(input)}],"constructor":1}`,
  'the same input twice': JSON.stringify({ inputs: [input, input] }),
};

const bomb = gzipSync(Buffer.alloc(2 ** 28));
const form = (text: string): Malformed => ({
  name: 'form',
  path: '/classify',
  headers: { 'content-type': 'multipart/form-data; boundary=x' },
  body: text,
});

export const MALFORMED: readonly Malformed[] = [
  ...Object.entries(bodies).map(([name, body]) => ({ name, path: INFER, body })),
  ...['0', '-1', '99999999', 'x', '1e3', '1'].map((length) => ({
    name: `header of ${length} bytes`,
    path: INFER,
    headers: { [HEADER_LENGTH]: length },
    body: JSON.stringify(inferRequest()),
  })),
  { name: 'gzip bomb', path: INFER, headers: { 'content-encoding': 'gzip' }, body: bomb },
  { name: 'gzip bomb of an image', path: '/classify', headers: { 'content-encoding': 'gzip' }, body: bomb },
  { name: 'gzip that is none', path: INFER, headers: { 'content-encoding': 'gzip' }, body: 'text' },
  {
    name: 'gzip cut off',
    path: INFER,
    headers: { 'content-encoding': 'gzip' },
    body: bomb.subarray(0, 1000),
  },
  { name: 'an unknown encoding', path: INFER, headers: { 'content-encoding': 'x' }, body: 'text' },
  { name: 'no image', path: '/classify', body: 'text' },
  { name: 'empty image', path: '/classify', body: '' },
  { name: 'top of nothing', path: '/classify?top=-1', body: 'text' },
  { name: 'top without end', path: '/classify?top=1e99', body: 'text' },
  ...[
    '',
    '--x',
    '--x\r\n\r\n',
    '--x\r\nContent-Disposition: form-data; name="f"; filename="a"\r\n\r\nabc',
    '--x--',
  ].map(form),
  ...[
    '/v2/models/nothing',
    '/v2/models/..%2f..%2fetc%2fpasswd',
    '/v2/models/%00',
    `/v2/models/${'x'.repeat(5000)}`,
    '/v2/models/fine/versions/x',
    '/v2/models/fine/versions/-1',
    '/..%2f..%2fpackage.json',
    '//evil.example/',
  ].map((path) => ({ name: `GET ${path.slice(0, 40)}`, path, method: 'GET' })),
  ...['DELETE', 'PUT', 'PATCH', 'OPTIONS'].map((method) => ({ name: method, path: INFER, method })),
];

/** Drawn damage of a right inference and of a right image. */
export function damagedRequest(seed: number, trial: number, photo: Buffer): Malformed {
  const random = new Random(seed, 'http', trial);
  const changes = drawMutations(random.nextUint32() | 0);
  const isImage = trial % 4 === 0;
  const whole = isImage ? photo : Buffer.from(JSON.stringify(inferRequest()));
  return { name: `damaged ${trial}`, path: isImage ? '/classify' : INFER, body: damage(whole, changes) };
}
