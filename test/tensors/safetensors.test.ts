/** Safetensors through a file and back, against the official library's bytes, and files that are broken. */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';

import { UserError } from '../../src/base/errors';
import { readSafetensors, writeSafetensors } from '../../src/tensors/safetensors';
import { encodeSafetensors } from '../../src/tensors/safetensorsFormat';
import type { HostTensor } from '../../src/tensors/dtype';
import { corrupted, hostTensor } from '../onnx/arbitrary';
import { fixture } from '../support/paths';
import { inTemporaryFolder } from '../support/temporary';

const python = fixture('onnx', 'python.safetensors');

const names = fc.string({ unit: 'grapheme', maxLength: 8 });
const named = fc.uniqueArray(fc.tuple(names, hostTensor), { maxLength: 6, selector: ([name]) => name });
const metadata = fc.dictionary(names, names, { maxKeys: 3, noNullPrototype: true });

function bytesOf(tensors: Iterable<[string, HostTensor]>, texts?: Record<string, string>): Buffer {
  return Buffer.concat([...encodeSafetensors(tensors, texts)]);
}

/** A file of the given header text, padded, and `dataBytes` zeros. */
function fileBytes(header: string, dataBytes: number): Buffer {
  const text = Buffer.from(header.padEnd(Math.ceil(header.length / 8) * 8));
  const prefix = Buffer.alloc(8);
  prefix.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([prefix, text, Buffer.alloc(dataBytes)]);
}

function entry(dtype: string, shape: unknown, begin: number, end: number): string {
  return JSON.stringify({ dtype, shape, data_offsets: [begin, end] });
}

describe('safetensors', () => {
  test('what is written is read again, in whatever order it was given', () =>
    inTemporaryFolder((folder) => {
      const file = path.join(folder, 'x.safetensors');
      fc.assert(
        fc.property(named, metadata, (tensors, texts) => {
          writeSafetensors(file, tensors, texts);
          const read = readSafetensors(file);
          expect(read.metadata).toEqual(texts);
          expect(Object.fromEntries(read.tensors)).toStrictEqual(Object.fromEntries(tensors));
          const shuffled = Object.fromEntries(Object.entries(texts).reverse());
          expect(bytesOf([...tensors].reverse(), shuffled).equals(readFileSync(file))).toBe(true);
        }),
      );
    }));

  test('the official file is read', () => {
    const { tensors, metadata: texts } = readSafetensors(python);
    expect(texts).toEqual({ text: 'quote " é \n' });
    const expected: Record<string, HostTensor> = {
      f64: { dtype: 'float64', shape: [2], data: Float64Array.of(0.1, -1e300) },
      'f32.b': { dtype: 'float32', shape: [2, 3], data: Float32Array.of(1, 2, 3, -4, 5.5, 0.1) },
      'f32.a': { dtype: 'float32', shape: [], data: Float32Array.of(7) },
      'f32.é😀': { dtype: 'float32', shape: [1], data: Float32Array.of(1) },
      'f32.\uffee': { dtype: 'float32', shape: [2], data: Float32Array.of(1, 1) },
      f16: { dtype: 'float16', shape: [3], data: Uint16Array.of(0x3c00, 0xc000, 0x7bff) },
      i64: { dtype: 'int64', shape: [2], data: BigInt64Array.of(-(2n ** 63n), 2n ** 63n - 1n) },
      u64: { dtype: 'uint64', shape: [1], data: BigUint64Array.of(2n ** 64n - 1n) },
      i32: { dtype: 'int32', shape: [1], data: Int32Array.of(-(2 ** 31)) },
      u32: { dtype: 'uint32', shape: [1], data: Uint32Array.of(2 ** 32 - 1) },
      i8: { dtype: 'int8', shape: [3], data: Int8Array.of(-128, 127, 0) },
      u8: { dtype: 'uint8', shape: [1], data: Uint8Array.of(255) },
      bool: { dtype: 'bool', shape: [3], data: Uint8Array.of(1, 0, 1) },
      empty: { dtype: 'float32', shape: [0, 3], data: new Float32Array(0) },
      '0': { dtype: 'float32', shape: [1], data: Float32Array.of(0) },
    };
    expect(Object.fromEntries(tensors)).toStrictEqual(expected);
  });

  test('the official file is written, byte for byte', () => {
    const { tensors, metadata: texts } = readSafetensors(python);
    expect(bytesOf(tensors, texts).equals(readFileSync(python))).toBe(true);
  });

  test('bfloat16 is read as float32', () => {
    const { tensors } = readSafetensors(fixture('onnx', 'bfloat16.safetensors'));
    const data = Float32Array.of(1, -2.5, 3.140625, Infinity);
    expect(tensors.get('halves')).toStrictEqual({ dtype: 'float32', shape: [4], data });
  });

  test('refuses to write a name twice, a name of the format, and data that do not fill the shape', () => {
    const one: HostTensor = { dtype: 'float32', shape: [], data: new Float32Array(1) };
    expect(() =>
      bytesOf([
        ['a', one],
        ['a', one],
      ]),
    ).toThrow('the name "a" is taken');
    expect(() => bytesOf([['__metadata__', one]])).toThrow('the name "__metadata__" is taken');
    expect(() => bytesOf([['a', { ...one, shape: [2] }]])).toThrow('"a": 1 elements for float32[2]');
  });
});

describe('broken safetensors', () => {
  const a = `{"a":${entry('F32', [2], 0, 8)}}`;
  test.each<[string, Buffer, RegExp]>([
    ['nothing', Buffer.alloc(0), /has 0 bytes/],
    ['a header longer than the file', fileBytes(a, 8).subarray(0, 20), /header is said to take/],
    ['an immense header', Buffer.alloc(16, 255), /header is said to take 18446744073709551615 bytes/],
    ['no JSON', fileBytes('{"a":', 0), /header is not JSON/],
    ['no object', fileBytes('[]', 0), /not a JSON object/],
    ['a space before the object', fileBytes(` ${a}`, 8), /not a JSON object/],
    ['missing bytes', fileBytes(a, 7), /tensors take 8 bytes, and 7 are there/],
    ['bytes left over', fileBytes(a, 9), /tensors take 8 bytes, and 9 are there/],
    ['a gap', fileBytes(`{"a":${entry('F32', [2], 4, 12)}}`, 12), /"a" starts at 4, not at 0/],
    [
      'an overlap',
      fileBytes(`{"a":${entry('F32', [2], 0, 8)},"b":${entry('F32', [2], 4, 12)}}`, 12),
      /"b" starts at 4, not at 8/,
    ],
    ['a shape of another size', fileBytes(`{"a":${entry('F32', [3], 0, 8)}}`, 8), /8 bytes for F32\[3\]/],
    ['a negative size', fileBytes(`{"a":${entry('F32', [-1, -2], 0, 8)}}`, 8), /"a": shape/],
    ['offsets backwards', fileBytes(`{"a":${entry('F32', [], 8, 4)}}`, 8), /-4 bytes for F32/],
    ['no shape', fileBytes(`{"a":${entry('F32', undefined, 0, 8)}}`, 8), /"a": shape/],
    [
      'sizes whose product overflows',
      fileBytes(`{"a":${entry('U8', Array(40).fill(2 ** 52), 0, 8)}}`, 8),
      /8 bytes/,
    ],
    ['metadata that are no strings', fileBytes('{"__metadata__":{"a":1}}', 0), /not an object of strings/],
    ['metadata in a list', fileBytes('{"__metadata__":["a"]}', 0), /not an object of strings/],
  ])('%s', (_, bytes, message) =>
    inTemporaryFolder((folder) => {
      const file = path.join(folder, 'x.safetensors');
      writeFileSync(file, bytes);
      expect(() => readSafetensors(file)).toThrow(UserError);
      expect(() => readSafetensors(file)).toThrow(message);
      expect(() => readSafetensors(file)).toThrow(`${file} is not a valid safetensors file: `);
    }),
  );

  test('a dtype that is not supported', () =>
    inTemporaryFolder((folder) => {
      const file = path.join(folder, 'x.safetensors');
      writeFileSync(file, fileBytes(`{"a":${entry('F8_E4M3', [1], 0, 1)}}`, 1));
      expect(() => readSafetensors(file)).toThrow(UserError);
      expect(() => readSafetensors(file)).toThrow('"a" has the dtype F8_E4M3, which is not supported');
    }));

  test('a file that is not there', () => {
    expect(() => readSafetensors('/nowhere/x')).toThrow(UserError);
    expect(() => readSafetensors('/nowhere/x')).toThrow(/^cannot read \/nowhere\/x: ENOENT/);
  });

  test('corrupted bytes give a UserError or tensors, never another error', () =>
    inTemporaryFolder((folder) => {
      const file = path.join(folder, 'x.safetensors');
      const some = fc.oneof(
        fc.constant<Uint8Array>(readFileSync(python)),
        named.map((tensors) => bytesOf(tensors)),
      );
      fc.assert(
        fc.property(
          some.chain((bytes) => corrupted(bytes)),
          (bytes) => {
            writeFileSync(file, bytes);
            try {
              readSafetensors(file);
            } catch (error) {
              if (!(error instanceof UserError)) throw error;
              expect(error.message).toContain(file);
              expect(error.message).toMatch(/^[^\n\r]*$/);
            }
          },
        ),
        { numRuns: 1000 },
      );
    }));
});
