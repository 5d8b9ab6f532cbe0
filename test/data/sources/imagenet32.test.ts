import { copyFileSync, mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { ByteReader } from '../../../src/data/sources/byteReader';
import { openImagenet32 } from '../../../src/data/sources/imagenet32';
import { readPickle } from '../../../src/data/sources/python/pickle';
import { PickleDict } from '../../../src/data/sources/python/pickleValues';
import { UserError } from '../../../src/base/errors';
import { fixture } from '../../support/paths';
import { inTemporaryFolder } from '../../support/temporary';
import { userErrorOf } from '../../support/userError';

/** Byte i of row r of tools/reference/imagenet32.py. */
const byte = (r: number, i: number) => (7 * r + i + (i >> 10)) % 256;

/** A folder with `name` as every training batch and as `val_data`. */
function lay(folder: string, name: string): void {
  const extension = name.endsWith('.npz') ? '.npz' : '';
  for (let i = 1; i <= 10; i++)
    copyFileSync(fixture('imagenet32', name), path.join(folder, `train_data_batch_${i}${extension}`));
  copyFileSync(fixture('imagenet32', name), path.join(folder, `val_data${extension}`));
}

describe('imagenet32 reader', () => {
  it.each([
    'protocol2.pickle',
    'protocol3.pickle',
    'protocol4.pickle',
    'protocol5.pickle',
    'scalars.pickle',
    'labelarray.pickle',
    'stored.npz',
    'deflated.npz',
  ])('reads what Python wrote: %s', (name) =>
    inTemporaryFolder((folder) => {
      lay(folder, name);
      const train = openImagenet32(folder, 'train');
      const test = openImagenet32(folder, 'test');
      expect([train.length, test.length, train.classes?.length]).toEqual([20, 2, 1000]);
      for (const index of [0, 1, 13]) {
        const row = index % 2;
        const expected = Uint8Array.from({ length: 3072 }, (_, i) =>
          byte(row, (i % 3) * 1024 + Math.floor(i / 3)),
        );
        expect(Buffer.from(train.pixels(index)).equals(expected)).toBe(true);
        expect(train.label(index)).toBe([2, 0][row]);
      }
      expect(train.where(13)).toMatch(/train_data_batch_7(\.npz)?, record 1$/);
      train.close();
      test.close();
    }),
  );

  it('takes class names from the published map', () =>
    inTemporaryFolder((folder) => {
      lay(folder, 'stored.npz');
      const map = path.join(folder, 'map_clsloc.txt');
      writeFileSync(map, 'n02119789 1 kit_fox\nn02100735 2 English_setter\nn02110185 3 Siberian_husky\n');
      const source = openImagenet32(folder, 'test');
      expect(source.classes).toEqual(['kit_fox', 'English_setter', 'Siberian_husky']);
      source.close();
      writeFileSync(map, 'n02119789 1 kit_fox\nn02100735 2 English_setter\n');
      expect(userErrorOf(() => openImagenet32(folder, 'test'))).toMatch(/record 0: label 3, expected 1 to 2/);
      writeFileSync(map, 'n02119789 2 kit_fox\n');
      expect(userErrorOf(() => openImagenet32(folder, 'test'))).toMatch(/is not line 1 of folder, label/);
    }));

  it('finds the folders of the archives', () =>
    inTemporaryFolder((folder) => {
      mkdirSync(path.join(folder, 'Imagenet32_val_npz'));
      copyFileSync(
        fixture('imagenet32', 'stored.npz'),
        path.join(folder, 'Imagenet32_val_npz', 'val_data.npz'),
      );
      openImagenet32(folder, 'test').close();
      expect(userErrorOf(() => openImagenet32(folder, 'train'))).toMatch(
        /has none of its train files, train_data_batch_1/,
      );
    }));

  it.each([
    ['system.pickle', /the name "os\.system" \(opcode 0x63 'c' at byte 2\)/],
    ['fortran.pickle', /one image a row/],
  ])('refuses %s', (name, message) =>
    inTemporaryFolder((folder) => {
      lay(folder, name);
      expect(userErrorOf(() => openImagenet32(folder, 'test'))).toMatch(message);
      expect(userErrorOf(() => openImagenet32(folder, 'test'))).toContain(path.join(folder, 'val_data'));
    }),
  );

  it('refuses a file cut off anywhere', () =>
    inTemporaryFolder((folder) => {
      for (const name of ['protocol4.pickle', 'protocol2.pickle', 'stored.npz', 'deflated.npz']) {
        const own = path.join(folder, name);
        mkdirSync(own);
        lay(own, name);
        const file = path.join(own, name.endsWith('.npz') ? 'val_data.npz' : 'val_data');
        const whole = readFileSync(file);
        for (const part of [0, 0.01, 0.3, 0.7, 0.999]) {
          writeFileSync(file, whole);
          truncateSync(file, Math.floor(part * whole.length));
          expect(() => openImagenet32(own, 'test')).toThrow(UserError);
        }
      }
    }));
});

/** Protocol 3 as Python's pickler writes it, for what it may meet here. */
function pickle(value: unknown): Buffer {
  if (value === null) return Buffer.from('N');
  if (typeof value === 'boolean') return Buffer.from([value ? 0x88 : 0x89]);
  if (typeof value === 'number') {
    const bytes = Buffer.alloc(Number.isInteger(value) ? 5 : 9);
    if (Number.isInteger(value)) {
      bytes[0] = 0x4a;
      bytes.writeInt32LE(value, 1);
    } else {
      bytes[0] = 0x47;
      bytes.writeDoubleBE(value, 1);
    }
    return bytes;
  }
  if (typeof value === 'string') {
    const text = Buffer.from(value);
    const head = Buffer.from([0x58, 0, 0, 0, 0]);
    head.writeUInt32LE(text.length, 1);
    return Buffer.concat([head, text]);
  }
  if (Array.isArray(value)) {
    return Buffer.concat([Buffer.from(']('), ...value.map(pickle), Buffer.from('e')]);
  }
  const items = Object.entries(value as object).flatMap(([key, item]) => [pickle(key), pickle(item)]);
  return Buffer.concat([Buffer.from('}('), ...items, Buffer.from('u')]);
}

const plain = (value: unknown): unknown =>
  value instanceof PickleDict
    ? Object.fromEntries([...value.items].map(([key, item]) => [key, plain(item)]))
    : Array.isArray(value)
      ? value.map(plain)
      : value;

function read(folder: string, bytes: Uint8Array): unknown {
  const file = path.join(folder, 'x');
  writeFileSync(file, bytes);
  const reader = new ByteReader(file);
  try {
    return readPickle(reader);
  } finally {
    reader.close();
  }
}

describe('pickle', () => {
  const leaf = fc.oneof(
    fc.constant(null),
    fc.boolean(),
    fc.integer(),
    fc.double({ noNaN: true, noInteger: true }),
    fc.string({ unit: 'binary' }),
  );
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof(
      { depthSize: 'small' },
      leaf,
      fc.array(tie('tree'), { maxLength: 4 }),
      fc.dictionary(
        fc.string({ minLength: 1 }).filter((key) => key !== '__proto__'),
        tie('tree'),
        { maxKeys: 4 },
      ),
    ),
  }));

  it('reads back any tree of values', () =>
    inTemporaryFolder((folder) => {
      fc.assert(
        fc.property(tree, (value) => {
          const bytes = Buffer.concat([Buffer.from([0x80, 3]), pickle(value), Buffer.from('.')]);
          expect(plain(read(folder, bytes))).toEqual(value);
        }),
        { numRuns: 200 },
      );
    }));

  it('refuses or reads any bytes, and breaks on none', () =>
    inTemporaryFolder((folder) => {
      const good = readFileSync(fixture('imagenet32', 'protocol4.pickle')).subarray(0, 200);
      const anyBytes = fc.oneof(
        fc.uint8Array({ maxLength: 60 }).map((tail) => Buffer.concat([Buffer.from([0x80, 2]), tail])),
        fc.tuple(fc.nat(199), fc.integer({ min: 0, max: 255 })).map(([at, value]) => {
          const bytes = Buffer.from(good);
          bytes[at] = value;
          return bytes;
        }),
      );
      fc.assert(
        fc.property(anyBytes, (bytes) => {
          try {
            read(folder, bytes);
          } catch (error) {
            expect(error).toBeInstanceOf(UserError);
          }
        }),
        { numRuns: 500 },
      );
    }));
});
