/** Sessions: tensors in and out, state that stays in its thread, and errors that say where. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { initialStatePath } from '../../src/bundle/read';
import { UserError } from '../../src/base/errors';
import { readSafetensors } from '../../src/tensors/safetensors';
import type { HostTensor } from '../../src/tensors/dtype';
import { writeModel } from '../../src/onnx/files';
import { type OnnxGraph, plainModel } from '../../src/onnx/model';
import { GradientSum } from '../../src/runtime/gradientSum';
import { availableProviders, requireProvider } from '../../src/runtime/providers';
import { createSession, runtimeError } from '../../src/runtime/session';
import { StateSession } from '../../src/runtime/stateSession';
import { RANDOM, writeSmallBundle } from '../support/smallRun';

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

test('mean of summed gradients', () => {
  const sum = new GradientSum();
  sum.add([['grad.w', float([1, 2])]]);
  sum.add([['grad.w', float([3, 5])]]);
  expect(sum.mean('grad.w')).toEqual(float([2, 3.5]));
  sum.clear();
  expect(() => sum.mean('grad.w')).toThrow('no gradient grad.w');
});

test('state moves on inside its thread', async () => {
  const directory = path.join(folder, 'bundle');
  const bundle = writeSmallBundle(directory, 'batch=2', ...RANDOM);
  const session = new StateSession(bundle, settings);
  const initial = readSafetensors(initialStatePath(bundle)).tensors;
  await session.setState(initial);
  const images: HostTensor = {
    dtype: 'uint8',
    shape: [2, 32, 32, 3],
    data: new Uint8Array(6144).map((_, i) => i % 251),
  };
  const feeds: [string, HostTensor][] = [
    ['images', images],
    ['labels', { dtype: 'int64', shape: [2], data: BigInt64Array.of(3n, 4n) }],
    ['dropout_seed', { dtype: 'int64', shape: [], data: BigInt64Array.of(1n) }],
    ['mixup_weight', float([0.7], [])],
    ['learning_rate', float([0.1], [])],
    ['average_decay', float([0.5], [])],
  ];
  const first = await session.run('train', feeds);
  expect([...first.keys()]).toEqual(['loss', 'accuracy', 'accuracy_top5']);
  const after = await session.getState();
  expect([...after.keys()].sort()).toEqual([...initial.keys()].sort());
  expect(after.get('fc.bias')).not.toEqual(initial.get('fc.bias'));
  // From the same state the same numbers; from the state after a step, others.
  const second = await session.run('train', feeds);
  expect(second.get('loss')).not.toEqual(first.get('loss'));
  await session.setState(initial);
  expect(await session.run('train', feeds)).toEqual(first);
  expect(await session.getState()).toEqual(after);
  const wrong: [string, HostTensor][] = [['images', float([1])], ...feeds.slice(1)];
  await expect(session.run('train', wrong)).rejects.toThrow(
    /train\.onnx: input images is uint8, but was fed with float32$/,
  );
  await session.close();
  await expect(session.getState()).rejects.toThrow('ended');
});
