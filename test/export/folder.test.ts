/** Exported folders: whole or not at all, and in the place of an earlier one only. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { replaceFolder } from '../../src/export/folder';
import { inTemporaryFolder } from '../support/temporary';

const write = (name: string) => (folder: string) => {
  mkdirSync(path.join(folder, 'inner'));
  writeFileSync(path.join(folder, 'inner', name), name);
  return Promise.resolve(name);
};

test('takes the place of an earlier export of its format, and leaves nothing of it', () =>
  inTemporaryFolder(async (folder) => {
    const out = path.join(folder, 'new', 'model');
    expect(await replaceFolder(out, 'hub', write('a'))).toBe('a');
    expect(await replaceFolder(out, 'hub', write('b'))).toBe('b');
    expect(readdirSync(path.join(out, 'inner'))).toEqual(['b']);
    expect(JSON.parse(readFileSync(path.join(out, 'selfie-export.json'), 'utf8'))).toEqual({
      format: 'hub',
      files: ['inner/b', 'selfie-export.json'],
    });
    expect(readdirSync(path.dirname(out))).toEqual(['model']);
  }));

test('refuses whatever else is there, and leaves it as it is', () =>
  inTemporaryFolder(async (folder) => {
    const out = path.join(folder, 'model');
    mkdirSync(out);
    await replaceFolder(out, 'hub', write('a'));
    await expect(replaceFolder(out, 'web', write('b'))).rejects.toThrow('no earlier export with --to web');
    mkdirSync(path.join(out, '.git'));
    writeFileSync(path.join(out, '.git', 'HEAD'), '');
    await expect(replaceFolder(out, 'hub', write('b'))).rejects.toThrow('also has .git/HEAD');
    expect(readdirSync(path.join(out, 'inner'))).toEqual(['a']);
    const other = path.join(folder, 'photos');
    mkdirSync(other);
    writeFileSync(path.join(other, 'cat.jpg'), '');
    await expect(replaceFolder(other, 'hub', write('b'))).rejects.toThrow('no earlier export');
    await expect(replaceFolder(path.join(other, 'cat.jpg'), 'hub', write('b'))).rejects.toThrow(
      'is no folder',
    );
  }));

test('leaves nothing, and what was there, where writing fails', () =>
  inTemporaryFolder(async (folder) => {
    const out = path.join(folder, 'model');
    const fail = () => Promise.reject(new Error('no'));
    await expect(replaceFolder(out, 'hub', fail)).rejects.toThrow('no');
    expect(existsSync(out)).toBe(false);
    await replaceFolder(out, 'hub', write('a'));
    await expect(replaceFolder(out, 'hub', fail)).rejects.toThrow('no');
    expect(readdirSync(path.join(out, 'inner'))).toEqual(['a']);
    expect(readdirSync(folder)).toEqual(['model']);
  }));
