/** Large requests and answers are read and written in other threads, to the same result, and what they consist of has an end. */
import { Codec } from '../../../src/serving/protocol/codec';
import { elements, jobs, resultOf, type Answer } from '../../../src/serving/protocol/codecJobs';
import { inferenceMethod } from '../../../src/serving/protocol/grpcMessages';
import { HEADER_LENGTH } from '../../../src/serving/protocol/restCodec';

/** What `body` gives, and whether the event loop went on meanwhile. */
async function besides<T>(body: () => Promise<T>): Promise<{ value: T; turns: number }> {
  let turns = 0;
  let isDone = false;
  const count = () => {
    turns++;
    if (!isDone) setTimeout(count, 1);
  };
  setTimeout(count, 1);
  const value = await body();
  isDone = true;
  return { value, turns };
}

const withCodec = async (body: (codec: Codec) => Promise<void>) => {
  const codec = new Codec();
  try {
    await body(codec);
  } finally {
    await codec.close();
  }
};

const COUNT = 300_000;
const values = Array.from({ length: COUNT }, (_, i) => i / 8);
const json = (count: number) =>
  Buffer.from(
    JSON.stringify({
      id: 'a',
      inputs: [{ name: 'x', shape: [count], datatype: 'FP32', data: values.slice(0, count) }],
      outputs: [{ name: 'y', parameters: { binary_data: true, classification: 2 } }],
    }),
  );
const inputsOf = (inputs: ReadonlyMap<string, { data: ArrayLike<unknown> }>) =>
  [...inputs].map(([name, { data }]) => [name, Array.from(data)]);

test('JSON', () =>
  withCodec(async (codec) => {
    expect(HEADER_LENGTH).toBe('inference-header-content-length');
    const small = await codec.readRest(json(3), undefined);
    expect(inputsOf(small.inputs)).toEqual([['x', [0, 1 / 8, 2 / 8]]]);
    const { value, turns } = await besides(() => codec.readRest(json(COUNT), undefined));
    expect(turns).toBeGreaterThan(1);
    expect(inputsOf(value.inputs)).toEqual([['x', values]]);
    expect(value).toMatchObject({ id: 'a', outputs: ['y'], binaryOutputs: false });
    expect([...value.binary, ...value.classes]).toEqual([
      ['y', true],
      ['y', 2],
    ]);
    // A refusal is one from there, too, and the thread goes on.
    const wrong = json(COUNT);
    wrong[0] = 0x78;
    await expect(codec.readRest(wrong, undefined)).rejects.toMatchObject({
      http: 400,
      message: expect.stringContaining('the body is not JSON') as string,
    });
    expect(inputsOf((await codec.readRest(json(COUNT), undefined)).inputs)).toEqual([['x', values]]);
  }));

const answer = (count: number): Answer => ({
  model: 'm',
  version: '1',
  outputs: new Map([
    ['y', { dtype: 'float32', shape: [count], data: Float32Array.from(values.slice(0, count)) }],
  ]),
  classes: new Map(),
  labels: { maxBatch: 0, classes: null },
});

test('answers', () =>
  withCodec(async (codec) => {
    const form = { id: 'a', binary: new Map(), binaryOutputs: false };
    const { value, turns } = await besides(() => codec.writeRest(answer(COUNT), form));
    expect(turns).toBeGreaterThan(1);
    expect(Buffer.isBuffer(value.body)).toBe(true);
    expect(JSON.parse(value.body.toString())).toMatchObject({
      id: 'a',
      outputs: [{ name: 'y', data: values }],
    });
    const binary = await codec.writeRest(answer(COUNT), { ...form, binaryOutputs: true });
    expect(binary.body.length - (binary.headerLength ?? 0)).toBe(4 * COUNT);
    expect((await codec.writeRest(answer(2), form)).body.toString()).toContain('"data":[0,0.125]');
  }));

const message = (fields: object) =>
  inferenceMethod('ModelInfer').requestSerialize({ model_name: 'm', id: 'b', ...fields });

test('messages of gRPC', () =>
  withCodec(async (codec) => {
    const input = { name: 'x', datatype: 'FP32', shape: [COUNT] };
    const typed = () => message({ inputs: [{ ...input, contents: { fp32_contents: values } }] });
    const { value, turns } = await besides(() => codec.readGrpc(typed()));
    expect(turns).toBeGreaterThan(1);
    expect(value).toMatchObject({ name: 'm', id: 'b', isRaw: false });
    expect(inputsOf(resultOf(value.read).inputs)).toEqual([['x', values]]);
    const raw = message({
      inputs: [input],
      raw_input_contents: [Buffer.from(Float32Array.from(values).buffer)],
    });
    const read = await codec.readGrpc(raw);
    expect(read.isRaw).toBe(true);
    expect(inputsOf(resultOf(read.read).inputs)).toEqual([['x', values]]);
    const written = await codec.writeGrpc(answer(COUNT), { id: 'b', isRaw: false, isStream: false });
    expect(inferenceMethod('ModelInfer').responseDeserialize(written)).toMatchObject({
      id: 'b',
      outputs: [{ contents: { fp32_contents: values } }],
    });
    expect(elements(answer(3).outputs.values())).toBe(3);
  }));

/** A length-delimited field. */
const field = (number: number, bytes: Uint8Array) => {
  const length: number[] = [];
  for (let left = bytes.length; ; left = Math.floor(left / 128)) {
    length.push(left < 128 ? left : (left % 128) + 128);
    if (left < 128) break;
  }
  return Buffer.concat([Buffer.from([8 * number + 2, ...length]), bytes]);
};

test.each([
  ['empty inputs', Buffer.alloc(400_000, Buffer.from([0x2a, 0]))],
  ['empty parts', Buffer.alloc(400_000, Buffer.from([0x3a, 0]))],
  ['empty texts of contents', field(5, field(5, Buffer.alloc(400_000, Buffer.from([0x42, 0]))))],
  ['numbers of 64 bits', field(5, field(5, field(3, Buffer.alloc(3e6))))],
  ['sizes of a shape', field(5, field(3, Buffer.alloc(3e6)))],
])('a message of too many %s is refused before it becomes objects', (_, bytes) => {
  expect(() => jobs.readGrpc(bytes)).toThrow(/^the message has more than \d+ (fields|whole numbers)/);
});

test.each([
  ['cut off', Buffer.from([0x2a, 9, 1])],
  ['a group', Buffer.from([0x2b])],
  ['an endless number', Buffer.alloc(20, 0xff)],
  ['text that is no UTF-8 or a wrong type', Buffer.from([0x0d, 1])],
])('bytes that are no message: %s', (_, bytes) => {
  expect(() => jobs.readGrpc(bytes)).toThrow(/the message is no ModelInferRequest/);
});

test.each([
  ['lists', `{"inputs":${'['.repeat(4e6 + 1)}`],
  ['members', `{${'"a":1,'.repeat(1e5 + 1)}"b":1}`],
  ['members', `{"inputs":[${'{},'.repeat(1e5 + 1)}{}]}`],
])('JSON of too many %s is refused before it becomes objects', (what, text) => {
  expect(() => jobs.readRest(Buffer.from(text), undefined)).toThrow(
    new RegExp(`^the JSON has \\d+ ${what}; at most \\d+ are taken`),
  );
});
