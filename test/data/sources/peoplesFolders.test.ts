/** Folders as other tools and people have them: understood, or refused with what was seen; what is passed over is named. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { UserError } from '../../../src/base/errors';
import { checkSource } from '../../../src/data/batches/checkSource';
import { openFolder } from '../../../src/data/sources/folder';
import { AbsentSplit } from '../../../src/data/sources/source';
import { openSplits } from '../../../src/data/tools/pack';
import { inTemporaryFolder } from '../../support/temporary';
import { touch } from '../samples';

const write = (root: string, names: readonly string[]) => {
  for (const name of names) touch(path.join(root, name));
};
const seen = (root: string, split: 'train' | 'test') => {
  const { split: which, classes, length, notes } = openFolder(root, split);
  return { split: which, classes, length, notes: (notes ?? []).join(' | ') };
};
const both = (train: string, test: string) =>
  ['cat', 'dog'].flatMap((name) => [`${train}/${name}/1.jpg`, `${test}/${name}/2.jpg`]);

test.each([
  ['train', 'valid'],
  ['train', 'validation'],
  ['Train', 'Val'],
  ['TRAIN', 'TEST'],
  ['training', 'testing'],
  ['train', 'dev'],
  ['train', 'eval'],
  ['archive/data/train', 'archive/data/val'],
])('%s and %s are splits', (train, test) =>
  inTemporaryFolder((root) => {
    write(root, both(train, test));
    const classes = ['cat', 'dog'];
    expect(seen(root, 'train')).toMatchObject({ split: 'train', classes, length: 2 });
    expect(seen(root, 'test')).toMatchObject({ split: 'test', classes, length: 2 });
  }),
);

test('classes in a folder alone are classes', () =>
  inTemporaryFolder((root) => {
    write(root, ['photos/cat/1.jpg', 'photos/dog/1.jpg', '__MACOSX/photos/cat/._1.jpg', '.DS_Store']);
    expect(seen(root, 'train')).toEqual({
      split: 'all',
      classes: ['cat', 'dog'],
      length: 2,
      notes: `the images are those of ${path.join(root, 'photos')}`,
    });
  }));

test('folders without images are no classes, files that are no images are passed over, both by name', () =>
  inTemporaryFolder((root) => {
    write(root, [
      'train/cat/1.jpg',
      'train/cat/a.txt',
      'train/dog/1.bmp',
      'train/dog/b.xml',
      'train/list.csv',
    ]);
    write(root, ['train/annotations/1.json', 'val/cat/1.jpg', 'test/cat/1.jpg', 'docs/x.pdf']);
    const { classes, notes } = seen(root, 'train');
    expect(classes).toEqual(['cat', 'dog']);
    expect(notes).toContain('folders without images, no classes, passed over: annotations');
    expect(notes).toContain(
      'no images by their names, passed over: train/list.csv, train/cat/a.txt, train/dog/b.xml',
    );
    expect(notes).toContain('passed over docs, beside the folders of splits');
    expect(seen(root, 'test').notes).toContain('the test images are those of val, not those of test');
  }));

test('images beside folders: no labels, and a note', () =>
  inTemporaryFolder((root) => {
    write(root, ['1.jpg', 'cat/1.jpg']);
    expect(seen(root, 'train')).toMatchObject({ classes: null, length: 2 });
    expect(seen(root, 'train').notes).toContain('these are no classes');
  }));

test('a single class is no training set', () =>
  inTemporaryFolder((root) => {
    write(root, ['train/images/1.jpg', 'train/labels/1.txt']);
    const source = openFolder(root, 'train');
    expect(source.notes?.join()).toContain('one class alone, images');
    const image = { size: 8, channels: 3 };
    expect(() => checkSource(source, { image, labels: { classes: 2 }, mode: 'train' })).toThrow(
      'has one class alone, images, and a classifier needs two',
    );
    expect(() => checkSource(source, { image, mode: 'train' })).not.toThrow();
  }));

test('nor is one whose labels are all the same, whatever classes it names', () => {
  const source = {
    kind: 'encoded' as const,
    name: 'tars',
    split: 'all' as const,
    classes: ['cat', 'dog'],
    where: String,
    close: () => undefined,
  };
  const check = (labels: readonly number[]) =>
    checkSource(
      { ...source, length: labels.length, label: (i) => labels[i] },
      { image: { size: 8, channels: 3 }, labels: { classes: 2 }, mode: 'train' },
    );
  expect(() => check([1, 1, 1])).toThrow('tars has one class alone, dog, and a classifier needs two');
  expect(() => check([1, 1, 0])).not.toThrow();
});

test('two folders that mean the same split are refused', () =>
  inTemporaryFolder((root) => {
    write(root, ['train/a/1.jpg', 'val/a/1.jpg', 'valid/a/1.jpg']);
    expect(() => openFolder(root, 'test')).toThrow(/folders val and valid, which mean the same split/);
  }));

test('only a split that is not there is absent; a damaged one is an error', () =>
  inTemporaryFolder(async (root) => {
    write(root, ['train/a/1.jpg']);
    expect(() => openFolder(root, 'test')).toThrow(AbsentSplit);
    expect((await openSplits(`folder:${root}`)).missing).toHaveLength(1);
    mkdirSync(path.join(root, 'val'));
    await expect(openSplits(`folder:${root}`)).rejects.toThrow(/val has no image/);
  }));

test('what cannot be opened is a broken image with the cause', () =>
  inTemporaryFolder(async (root) => {
    write(root, ['cat/1.jpg', 'dog/1.jpg']);
    symlinkSync(path.join(root, 'nowhere'), path.join(root, 'cat', '2.jpg'));
    execFileSync('mkfifo', [path.join(root, 'cat', '3.jpg')]);
    const source = openFolder(root, 'train');
    expect(source.length).toBe(4);
    const causes = await Promise.all(
      [1, 2].map((index) => source.bytes(index).catch((error: unknown) => error as UserError)),
    );
    expect(causes.map((cause) => cause instanceof UserError && cause.message)).toEqual([
      expect.stringMatching(/^cannot read .*2\.jpg: ENOENT/),
      expect.stringMatching(/^cannot read .*3\.jpg: it is a pipe, not a file$/),
    ]);
  }));
