/** Labels as files have them, in tars, gzipped tars and Parquet; left out where nothing needs them. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { resolveLabels } from '../../../src/data/sources/labels';
import { openSource } from '../../../src/data/sources/readers';
import { openWebdataset } from '../../../src/data/sources/webdataset';
import { describeShared, repositoryRoot, sharedData } from '../../support/paths';
import { inTemporaryFolder } from '../../support/temporary';
import { writeTar } from '../samples';

const where = (i: number) => `image ${i}`;

describe('labels', () => {
  test('numbers are themselves, text is sorted, none is none', () => {
    expect(resolveLabels([2, 0], where)).toEqual({ classes: ['0', '1', '2'], labels: Int32Array.of(2, 0) });
    expect(resolveLabels([' 01 ', '0'], where)?.labels).toEqual(Int32Array.of(1, 0));
    expect(resolveLabels(['dog', 'cat', 'dog'], where)).toEqual({
      classes: ['cat', 'dog'],
      labels: Int32Array.of(1, 0, 1),
    });
    expect(resolveLabels(['dog'], where, null, ['ant', 'dog'])?.labels).toEqual(Int32Array.of(1));
    expect(resolveLabels([null, null], where)).toBeNull();
  });

  test.each<[(number | string | null)[], string]>([
    [['cat', null], "image 1 has no label, and others have (image 0: 'cat')"],
    [['cat', 1], "image 0: label 'cat', and image 1 has 1; either all are whole numbers or all are names"],
    [[0.5, 1], 'image 0: label 0.5'],
    [[-1, 1], 'image 0: label -1'],
    [['NaN', 1], "label 'NaN'"],
  ])('%j is refused with what the file has', (written, message) => {
    expect(() => resolveLabels(written, where)).toThrow(message);
  });

  test('text that no training image has is refused', () => {
    expect(() => resolveLabels(['cow'], where, null, ['cat'])).toThrow(
      "image 0: label 'cow' is none of the classes of the training images",
    );
  });
});

describe('tars', () => {
  test('text of the test split is numbered as in the training split; optional labels stop nothing', () =>
    inTemporaryFolder(async (folder) => {
      const spec = path.join(folder, 'd-{train,val}.tar');
      await writeTar(path.join(folder, 'd-train.tar'), [
        ['a.jpg', ''],
        ['a.cls', 'cat'],
        ['b.jpg', ''],
        ['b.cls', 'dog'],
      ]);
      await writeTar(path.join(folder, 'd-val.tar'), [
        ['a.jpg', ''],
        ['a.cls', 'dog'],
      ]);
      const test = await openWebdataset(spec, 'test');
      expect([test.classes, test.label(0)]).toEqual([['cat', 'dog'], 1]);
      await writeTar(path.join(folder, 'x.tar'), [
        ['a.jpg', ''],
        ['a.cls', 'cat'],
        ['b.jpg', ''],
        ['c.jpg', ''],
        ['c.json', '{'],
      ]);
      await expect(openWebdataset(path.join(folder, 'x.tar'), 'train')).rejects.toThrow('c.json is not JSON');
      const free = await openSource(`webdataset:${path.join(folder, 'x.tar')}`, 'train', 'optional');
      expect([free.length, free.classes, free.label(0)]).toEqual([3, null, null]);
      expect(free.notes?.join()).toContain('labels are left out: ');
    }));

  test('without the blocks at the end, gzipped, and cut', () =>
    inTemporaryFolder(async (folder) => {
      const at = (name: string) => path.join(folder, name);
      await writeTar(at('x.tar'), [
        ['a.jpg', 'A'],
        ['a.cls', '0'],
        ['b.jpg', 'B'],
        ['b.cls', '1'],
      ]);
      const whole = readFileSync(at('x.tar'));
      writeFileSync(at('noend.tar'), whole.subarray(0, 8 * 512));
      writeFileSync(at('x.tar.gz'), gzipSync(whole));
      writeFileSync(at('cut.tgz'), gzipSync(whole).subarray(0, 60));
      for (const name of ['noend.tar', 'x.tar.gz']) {
        const source = await openWebdataset(at(name), 'train');
        expect([source.length, source.classes]).toEqual([2, ['0', '1']]);
        expect(Buffer.from(await source.bytes(1)).toString()).toBe('B');
        expect(source.where(1)).toBe(`${at(name)}, b.jpg`);
      }
      await expect(openWebdataset(at('cut.tgz'), 'train')).rejects.toThrow(
        `${at('cut.tgz')} cannot be unpacked: its gzip data is cut off or damaged`,
      );
      writeFileSync(at('noend.tar'), whole.subarray(0, 7 * 512 + 9));
      await expect(openWebdataset(at('noend.tar'), 'train')).rejects.toThrow('cut off');
    }));

  test('of an image and its mask the image counts, and the mask is named', () =>
    inTemporaryFolder(async (folder) => {
      const file = path.join(folder, 'x.tar');
      await writeTar(file, [
        ['a.jpg', 'A'],
        ['a.seg.png', 'M'],
        ['a.cls', '0'],
      ]);
      const source = await openWebdataset(file, 'train');
      expect([source.length, source.where(0)]).toEqual([1, `${file}, a.jpg`]);
      expect(source.notes?.join()).toBe('images beside the image of an example, passed over: a.seg.png');
    }));
});

test('members that are neither image nor label are named, what systems leave is not', () =>
  inTemporaryFolder(async (folder) => {
    const file = path.join(folder, 'x.tar');
    await writeTar(file, [
      ['README', ''],
      ['0.jpg', 'A'],
      ['0.cls', '0'],
      ['0.caption', 'a cat'],
      ['._0.jpg', ''],
      ['1.cls', '1'],
    ]);
    expect((await openWebdataset(file, 'train')).notes).toEqual([
      'neither images nor labels, passed over: README, 0.caption, 1.cls',
    ]);
  }));

describe('shards of splits', () => {
  const lay = async (folder: string, ...names: string[]) => {
    for (const name of names)
      await writeTar(path.join(folder, `${name}.tar`), [
        ['a.jpg', ''],
        ['a.cls', '0'],
      ]);
  };

  test('that mean the same under two names are refused; one that is not used is named', () =>
    inTemporaryFolder(async (folder) => {
      await lay(folder, 'train-0', 'val-0', 'test-0');
      const source = await openWebdataset(folder, 'test');
      expect([source.length, source.where(0)]).toEqual([1, `${path.join(folder, 'val-0.tar')}, a.jpg`]);
      expect(source.notes).toEqual([`not the test images, passed over: ${path.join(folder, 'test-0.tar')}`]);
      await lay(folder, 'valid-0');
      await expect(openWebdataset(folder, 'test')).rejects.toThrow(
        `${folder} has files called val and valid, which mean the same split`,
      );
    }));

  test('with both words in one path are of that split', () =>
    inTemporaryFolder(async (folder) => {
      mkdirSync(path.join(folder, 'valid'));
      await lay(folder, 'train-0', 'valid/val-0');
      expect((await openWebdataset(folder, 'test')).length).toBe(1);
    }));
});

describeShared('what data info says of inputs that were read wrongly', () => {
  const info = (...args: string[]) => {
    const command = ['bin/selfie.js', 'data', 'info', ...args];
    return execFileSync(process.execPath, command, { cwd: repositoryRoot, encoding: 'utf8', stdio: 'pipe' });
  };
  const inputs = path.join(sharedData, 'inputs');
  const unpack = (folder: string, name: string) =>
    execFileSync('tar', ['xzf', path.join(inputs, `${name}.tgz`), '-C', folder]);

  test.each([
    ['keras', ['train: 12 images, 2 classes', 'test: 12 images, 2 classes'], 0],
    ['roboflow2', ['train: 12 images, 2 classes', 'test: 12 images, 2 classes'], 0],
    ['mixed', ['train: 28 images, 2 classes', 'test: 28 images, 2 classes'], 0],
    ['dangling', ['train: 13 images', 'annex.jpg: ENOENT'], 1],
  ])('folder:%s', (name, lines, broken) =>
    inTemporaryFolder((folder) => {
      unpack(folder, name);
      const said = info(`folder:${path.join(folder, name)}`);
      for (const line of lines) expect(said).toContain(line);
      expect(said).toContain(`broken images: ${broken}`);
    }),
  );

  test.each([
    ['webdataset', 'wds_noend.tar', 'classes of'],
    ['webdataset', 'wds_seg.tar', 'classes of'],
    ['webdataset', 'wds_strlabel.tar', 'cat'],
    ['parquet', 'pq_strlabel.parquet', 'cat'],
  ])('%s:%s', (form, file, line) => {
    const said = info(`${form}:${path.join(inputs, file)}`);
    expect(said).toContain(line);
    expect(said).toContain('broken images: 0');
  });
});
