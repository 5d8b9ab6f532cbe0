/** Files whole or not at all. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { writeFileAtomic } from '../../src/base/files';
import { UserError } from '../../src/base/errors';
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
