/** Sessions: tensors in and out, and errors that say where. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { UserError } from '../../src/base/errors';
import type { HostTensor } from '../../src/tensors/dtype';
import { writeModel } from '../../src/onnx/files';
import { type OnnxGraph, plainModel } from '../../src/onnx/model';
import { availableProviders, requireProvider } from '../../src/runtime/providers';
import { createSession, runtimeError } from '../../src/runtime/session';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'selfie-session-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const settings = { provider: 'cpu', threads: 1 } as const;
const float = (values: number[], shape = [values.length]): HostTensor => ({
  dtype: 'float32',
  shape,
  data: Float32Array.from(values),
});

/** y = reshape(x + x, [2, 3]), named as the builder names nodes. */
function reshaper(): string {
  const node = (opType: string, inputs: string[], output: string) => ({
    name: `/layer1/0/${opType}_0`,
    opType,
    domain: '',
    inputs,
    outputs: [output],
    attributes: [],
  });
  const graph: OnnxGraph = {
    name: 'g',
    inputs: [{ name: 'x', dtype: 'float32', shape: ['n'] }],
    outputs: [{ name: 'y', dtype: 'float32', shape: [2, 3] }],
    initializers: [{ name: 'shape', dtype: 'int64', shape: [2], data: BigInt64Array.of(2n, 3n) }],
    nodes: [node('Add', ['x', 'x'], 'sum'), node('Reshape', ['sum', 'shape'], 'y')],
  };
  const file = path.join(folder, 'reshape.onnx');
  writeModel(file, plainModel(graph));
  return file;
}

test('runs a graph', async () => {
  const session = await createSession(reshaper(), settings);
  const outputs = await session.run(new Map([['x', float([1, 2, 3, 4, 5, 6])]]));
  expect(outputs.get('y')).toEqual(float([2, 4, 6, 8, 10, 12], [2, 3]));
  await session.release();
});

test('an error of the runtime names the file and the node’s scope, in one line', async () => {
  const file = reshaper();
  const session = await createSession(file, settings);
  const error = await session.run(new Map([['x', float([1, 2])]])).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(UserError);
  const { message } = error as UserError;
  expect(message.startsWith(`${file}: /layer1/0/Reshape_`)).toBe(true);
  expect(message).toContain('(Reshape): ');
  expect(message).toContain('Input shape:{2}');
  expect(message).not.toMatch(/\n|onnxruntime_src/);
  await session.release();
});

test('a missing file, a missing provider', async () => {
  const missing = path.join(folder, 'missing.onnx');
  await expect(createSession(missing, settings)).rejects.toThrow(`cannot load ${missing} on cpu: `);
  expect(availableProviders()).toContain('cpu');
  requireProvider('cpu');
  for (const provider of ['cuda', 'webgpu'] as const) {
    if (availableProviders().includes(provider)) continue;
    expect(() => requireProvider(provider)).toThrow(UserError);
    expect(() => requireProvider(provider)).toThrow(
      new RegExp(`^--provider ${provider}: not available here \\(.+\\); available: .*cpu.*; .+$`),
    );
  }
});

test('runtimeError leaves other messages as they are', () => {
  expect(runtimeError('x.onnx', new Error("input 'w' is missing in 'feeds'.")).message).toBe(
    "x.onnx: input 'w' is missing in 'feeds'.",
  );
});
