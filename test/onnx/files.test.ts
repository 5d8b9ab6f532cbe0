/** Model files, external data, and what a hostile model may not reach. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { onnx } from 'onnx-proto';
import { InferenceSession, Tensor } from 'onnxruntime-node';

import { UserError } from '../../src/base/errors';
import { encodeModel } from '../../src/onnx/encode';
import { inspectModel } from '../../src/onnx/inspect';
import { readModel, writeModel } from '../../src/onnx/files';
import { fixture } from '../support/paths';
import { inTemporaryFolder } from '../support/temporary';
import { expectedOutput, loopModel, SIZE } from './loop-model';

async function runFile(file: string, x: Float32Array): Promise<unknown> {
  const session = await InferenceSession.create(file);
  const { y } = await session.run({ x: new Tensor('float32', x, [SIZE]) });
  return y.data;
}

/** The loop model with its weight at `settings` of an external file. */
function externalBytes(settings: Record<string, string>): Uint8Array {
  const proto = onnx.ModelProto.decode(encodeModel(loopModel(1)));
  const tensor = proto.graph?.initializer?.[1];
  if (!tensor) throw new Error('the model has lost its weight');
  delete tensor.rawData;
  tensor.dataLocation = onnx.TensorProto.DataLocation.EXTERNAL;
  tensor.externalData = Object.entries(settings).map(([key, value]) => ({ key, value }));
  return onnx.ModelProto.encode(proto).finish();
}

const x = Float32Array.from({ length: SIZE }, (_, index) => index / 16);

describe('writeModel', () => {
  test('one file below the threshold', () =>
    inTemporaryFolder(async (folder) => {
      const file = path.join(folder, 'model.onnx');
      writeModel(file, loopModel(2));
      expect(readdirSync(folder)).toEqual(['model.onnx']);
      expect(readModel(file)).toStrictEqual(loopModel(2));
      expect(await runFile(file, x)).toEqual(expectedOutput(x, 2));
    }));

  test('large initializers, those of subgraphs too, beside it above', () =>
    inTemporaryFolder(async (folder) => {
      const file = path.join(folder, 'model.onnx');
      writeModel(file, loopModel(2), { externalThreshold: 4000 });
      expect(readdirSync(folder)).toEqual(['model.onnx', 'model.onnx.data']);
      // Two tensors of 2 KiB, the second on the next page; the int64 scalar stays inside.
      expect(statSync(`${file}.data`).size).toBe(4096 + 4 * SIZE);
      expect(statSync(file).size).toBeLessThan(1000);
      expect(readModel(file)).toStrictEqual(loopModel(2));
      expect(await runFile(file, x)).toEqual(expectedOutput(x, 2));
    }));

  test('the threshold counts the whole file', () =>
    inTemporaryFolder((folder) => {
      const file = path.join(folder, 'model.onnx');
      const size = encodeModel(loopModel(2)).length;
      writeModel(file, loopModel(2), { externalThreshold: size });
      expect(readdirSync(folder)).toEqual(['model.onnx']);
      writeModel(file, loopModel(2), { externalThreshold: size - 1 });
      expect(readdirSync(folder)).toEqual(['model.onnx', 'model.onnx.data']);
    }));

  test('a folder that is not there', () => {
    expect(() => writeModel('/nowhere/model.onnx', loopModel(1))).toThrow(UserError);
    expect(() => writeModel('/nowhere/model.onnx', loopModel(1))).toThrow(
      /^cannot write \/nowhere\/model.onnx: ENOENT/,
    );
  });
});

describe('readModel', () => {
  test('external data by the onnx package', () => {
    const [weight] = readModel(fixture('onnx', 'external.onnx')).graph.initializers;
    expect(weight).toStrictEqual({
      name: 'weight',
      dtype: 'float32',
      shape: [600],
      data: Float32Array.from({ length: 600 }, (_, index) => index),
    });
  });

  test('a file that is not there', () => {
    expect(() => readModel('/nowhere/model.onnx')).toThrow(UserError);
    expect(() => readModel('/nowhere/model.onnx')).toThrow(/^cannot read \/nowhere\/model.onnx: ENOENT/);
  });

  const length = String(4 * SIZE);
  test.each<[string, Record<string, string>, RegExp]>([
    ['the parent folder', { location: '../secret', length }, /is no file in the model's folder/],
    [
      'the parent folder in between',
      { location: 'a/../../secret', length },
      /is no file in the model's folder/,
    ],
    ['an absolute path', { location: '/etc/passwd', length }, /is no file in the model's folder/],
    ['a link out of the folder', { location: 'link', length }, /is no file in the model's folder/],
    ['the folder itself', { location: '.', length }, /is no file in the model's folder/],
    ['a name with a NUL', { location: 'a\0b', length }, /is no file in the model's folder/],
    ['a folder', { location: 'folder' }, /it is a folder, not a file/],
    ['a pipe', { location: 'pipe', length }, /it is a pipe, not a file/],
    ['no location', { length }, /is no file in the model's folder/],
    ['a missing file', { location: 'missing' }, /cannot read tensor "weight" from .*missing: ENOENT/],
    ['a wrong length', { location: 'data', length: '8' }, /8 external bytes where 2048 are needed/],
    ['an offset past the end', { location: 'data', offset: '1', length }, /goes past the end/],
    ['an offset that is no number', { location: 'data', offset: '-1', length }, /the offset of .* is "-1"/],
  ])('refuses %s', (_, settings, message) =>
    inTemporaryFolder((folder) => {
      const file = path.join(folder, 'model.onnx');
      symlinkSync(fixture('onnx', 'external.data'), path.join(folder, 'link'));
      mkdirSync(path.join(folder, 'folder'));
      writeFileSync(path.join(folder, 'data'), new Uint8Array(4 * SIZE));
      writeFileSync(file, externalBytes(settings));
      execFileSync('mkfifo', [path.join(folder, 'pipe')]);
      expect(() => readModel(file)).toThrow(UserError);
      expect(() => readModel(file)).toThrow(message);
      // Of where the bytes are, not of how many: a runtime opens what the model names.
      if (/file/.test(message.source) || settings.location === 'missing') {
        expect(() => inspectModel(file)).toThrow(UserError);
        expect(() => inspectModel(file)).toThrow(message);
      }
    }),
  );

  test('external data without offset and length', () =>
    inTemporaryFolder((folder) => {
      const file = path.join(folder, 'model.onnx');
      writeFileSync(path.join(folder, 'data'), new Uint8Array(4 * SIZE + 10));
      writeFileSync(file, externalBytes({ location: 'data' }));
      expect(readModel(file).graph.initializers[1].data).toEqual(new Float32Array(SIZE));
    }));
});
