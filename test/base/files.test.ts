/** Files whole or not at all. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { replaceFile, writeFileAtomic } from '../../src/base/files';
import { UserError } from '../../src/base/errors';
import { fileEvents } from '../support/durability';
import { inTemporaryFolder } from '../support/temporary';

describe('writeFileAtomic', () => {
  test.each<[string, Uint8Array | string | Iterable<Uint8Array>]>([
    ['bytes', Buffer.from('añb')],
    ['text', 'añb'],
    ['pieces', [Buffer.from('a'), new Uint8Array(0), Buffer.from('ñb')]],
  ])('%s take the place of the old file', (_, data) =>
    inTemporaryFolder((folder) => {
      const file = path.join(folder, 'file');
      writeFileSync(file, 'a longer file that was there');
      writeFileAtomic(file, data);
      expect(readFileSync(file, 'utf8')).toBe('añb');
      expect(readdirSync(folder)).toEqual(['file']);
    }),
  );

  test('a failure half way leaves the old file and nothing else', () =>
    inTemporaryFolder((folder) => {
      const file = path.join(folder, 'file');
      writeFileSync(file, 'old');
      function* failing() {
        yield Buffer.from('new');
        throw new RangeError('half way');
      }
      expect(() => writeFileAtomic(file, failing())).toThrow(new RangeError('half way'));
      expect(readFileSync(file, 'utf8')).toBe('old');
      expect(readdirSync(folder)).toEqual(['file']);
    }));

  test('where the system refuses, one line that says what and where', () => {
    expect(() => writeFileAtomic('/nowhere/file', '')).toThrow(UserError);
    expect(() => writeFileAtomic('/nowhere/file', '')).toThrow(
      'cannot write /nowhere/file: ENOENT: no such file or directory',
    );
  });
});

describe('what is on the disk when', () => {
  const kept = ['sync file.tmp', 'rename file.tmp file'];

  test('bytes come before the name, and the name before the return', () =>
    inTemporaryFolder(async (folder) => {
      const write = () => writeFileAtomic(path.join(folder, 'file'), [Buffer.from('a'), Buffer.from('b')]);
      expect(await fileEvents(write)).toEqual(['write file.tmp', ...kept, `sync ${path.basename(folder)}/`]);
    }));

  test('as for a file that somebody else wrote', () =>
    inTemporaryFolder(async (folder) => {
      const write = (temporary: string) => {
        writeFileSync(temporary, 'made');
        return Promise.resolve();
      };
      const file = path.join(folder, 'file');
      expect(await fileEvents(() => replaceFile(file, write))).toEqual([
        ...kept,
        `sync ${path.basename(folder)}/`,
      ]);
      expect(readFileSync(file, 'utf8')).toBe('made');
      expect(readdirSync(folder)).toEqual(['file']);
    }));
});

test('what cannot be made leaves the old file and nothing beside it', () =>
  inTemporaryFolder(async (folder) => {
    const file = path.join(folder, 'file');
    writeFileSync(file, 'old');
    const half = (temporary: string) => {
      writeFileSync(temporary, 'half');
      return Promise.reject(new RangeError('half way'));
    };
    await expect(replaceFile(file, half)).rejects.toThrow(new RangeError('half way'));
    await expect(replaceFile(file, () => Promise.resolve())).rejects.toThrow(/^cannot write .*file: ENOENT/);
    expect([readFileSync(file, 'utf8'), readdirSync(folder)]).toEqual(['old', ['file']]);
  }));
