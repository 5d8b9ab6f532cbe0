import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { openFolder, openImages } from '../../../src/data/sources/folder';
import { sourceOf } from '../../../src/data/sources/readers';
import { UserError } from '../../../src/base/errors';
import { describeShared, sharedData } from '../../support/paths';
import { inTemporaryFolder } from '../../support/temporary';
import { touch } from '../samples';

const write = (root: string, names: readonly string[]) => {
  for (const name of names) touch(path.join(root, name));
};

/** [path below root, label] of every image. */
const listing = (root: string, split: 'train' | 'test') => {
  const source = openFolder(root, split);
  return Array.from({ length: source.length }, (_, i) => [
    path.relative(root, source.where(i)),
    source.label(i),
  ]);
};

describe('folder reader', () => {
  it('reads class folders of both splits, in code unit order', () =>
    inTemporaryFolder((root) => {
      write(root, [
        'train/b/2.png',
        'train/b/10.JPEG',
        'train/b/Z.webp',
        'train/b/notes.txt',
        'train/b/.x.jpg',
      ]);
      write(root, ['train/a/deep/er/1.jpg', 'train/é/1.jpg', 'train/Z/1.jpg', 'val/b/9.jpg', 'LICENSE.txt']);
      expect(openFolder(root, 'train').classes).toEqual(['Z', 'a', 'b', 'é']);
      expect(listing(root, 'train')).toEqual([
        ['train/Z/1.jpg', 0],
        ['train/a/deep/er/1.jpg', 1],
        ['train/b/10.JPEG', 2],
        ['train/b/2.png', 2],
        ['train/b/Z.webp', 2],
        ['train/é/1.jpg', 3],
      ]);
      // A class without validation images keeps the numbers of the others.
      expect(listing(root, 'test')).toEqual([['val/b/9.jpg', 2]]);
      expect(openFolder(root, 'test').classes).toEqual(['Z', 'a', 'b', 'é']);
    }));

  it('takes test/ where there is no val/', () =>
    inTemporaryFolder((root) => {
      write(root, ['train/a/1.jpg', 'test/a/2.jpg']);
      expect(listing(root, 'test')).toEqual([['test/a/2.jpg', 0]]);
    }));

  it('reads class folders without splits for either split', () =>
    inTemporaryFolder((root) => {
      write(root, ['dog/1.jpg', 'cat/1.jpg']);
      for (const split of ['train', 'test'] as const) {
        expect(openFolder(root, split).split).toBe('all');
        expect(listing(root, split)).toEqual([
          ['cat/1.jpg', 0],
          ['dog/1.jpg', 1],
        ]);
      }
    }));

  it('reads images without labels, folders below them too', () =>
    inTemporaryFolder((root) => {
      write(root, ['b.jpg', 'more/a.png']);
      expect(openFolder(root, 'train').classes).toBeNull();
      expect(listing(root, 'train')).toEqual([
        ['b.jpg', null],
        ['more/a.png', null],
      ]);
    }));

  it('follows links, but not to a folder around them', () =>
    inTemporaryFolder((root) => {
      write(root, ['data/cat/1.jpg', 'elsewhere/2.jpg']);
      symlinkSync(path.join(root, 'elsewhere'), path.join(root, 'data', 'linked'));
      symlinkSync(path.join(root, 'data'), path.join(root, 'data', 'cat', 'loop'));
      symlinkSync(path.join(root, 'elsewhere', '2.jpg'), path.join(root, 'data', 'cat', '3.jpg'));
      expect(listing(path.join(root, 'data'), 'train')).toEqual([
        ['cat/1.jpg', 0],
        ['cat/3.jpg', 0],
        ['linked/2.jpg', 1],
      ]);
    }));

  it.each<[string, string[], 'train' | 'test', RegExp]>([
    ['no split asked for', ['train/a/1.jpg'], 'test', /has no folder val or test for its test images/],
    ['no training split', ['val/a/1.jpg'], 'train', /has no folder train for its train images/],
    [
      'nothing at all',
      ['readme.txt'],
      'train',
      /has no image; no images by their names, passed over: readme.txt/,
    ],
    [
      'a class only in val',
      ['train/a/1.jpg', 'val/z/1.jpg'],
      'test',
      /val\/z is a class that .*train does not/,
    ],
  ])('refuses %s', (_name, names, split, message) =>
    inTemporaryFolder((root) => {
      write(root, names);
      expect(() => openFolder(root, split)).toThrow(UserError);
      expect(() => openFolder(root, split)).toThrow(message);
    }),
  );

  it('refuses a file', () =>
    inTemporaryFolder((root) => {
      writeFileSync(path.join(root, 'a.jpg'), '');
      mkdirSync(path.join(root, 'x'));
      expect(() => openFolder(path.join(root, 'a.jpg'), 'train')).toThrow(/is not a folder/);
    }));
});

describe('images:PATH and a bare path', () => {
  it('take every image below, whatever its folders are called', () =>
    inTemporaryFolder((root) => {
      write(root, ['train/a/1.jpg', 'test/2.png', 'empty/readme.txt', '3.webp']);
      const source = openImages(root);
      const found = Array.from({ length: source.length }, (_, i) => path.relative(root, source.where(i)));
      expect(found).toEqual(['3.webp', 'test/2.png', 'train/a/1.jpg']);
      expect([source.split, source.classes, source.label(0)]).toEqual(['all', null, null]);
      expect(sourceOf(root)).toBe(`images:${root}`);
      expect(sourceOf('cifar10:x')).toBe('cifar10:x');
      expect(() => sourceOf(path.join(root, '3.webp'))).toThrow(
        /is no folder; give a folder of images or one of/,
      );
      expect(() => openImages(path.join(root, 'empty'))).toThrow(
        /has no image; no images by their names, passed over: readme.txt/,
      );
      expect(() => openImages(path.join(root, '3.webp'))).toThrow(/is not a folder/);
    }));
});

describeShared('imagenette', () => {
  it('has ten classes in both splits', () => {
    const root = path.join(sharedData, 'imagenette-224');
    const [train, val] = [openFolder(root, 'train'), openFolder(root, 'test')];
    expect([train.length, val.length, train.classes?.length]).toEqual([3000, 1000, 10]);
    expect(val.classes).toEqual(train.classes);
    expect(train.classes?.[0]).toBe('n01440764');
    expect([train.label(0), train.label(2999)]).toEqual([0, 9]);
  });
});
