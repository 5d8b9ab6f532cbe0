import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { EMBEDDED_CLASSES, EMBEDDED_SIZES, embeddedImage } from '../../../src/data/sources/embedded/embedded';
import { openSource, sourceOf } from '../../../src/data/sources/readers';
import { UserError } from '../../../src/base/errors';
import { inTemporaryFolder } from '../../support/temporary';

describe('openSource', () => {
  it('opens the embedded data set, labels agreeing with its images', async () => {
    for (const split of ['train', 'test'] as const) {
      const source = await openSource('embedded', split);
      if (source.kind !== 'pixels') throw new Error('expected pixels');
      expect([source.length, source.split]).toEqual([EMBEDDED_SIZES[split], split]);
      expect(source.classes).toEqual(EMBEDDED_CLASSES);
      for (const index of [0, 1, 137, source.length - 1]) {
        const { pixels, label } = embeddedImage(0, split, index);
        expect(source.pixels(index)).toEqual(pixels);
        expect(source.pixels(index)).toEqual(pixels);
        expect(source.label(index)).toBe(label);
      }
      source.close();
    }
  });

  it.each([
    ['mnist:/data', /unknown data source 'mnist:\/data'; use one of: embedded, cifar10:PATH, .*folder:PATH/],
    ['toString', /unknown data source/],
    ['', /unknown data source/],
    ['cifar10', /write cifar10:PATH/],
    ['folder:', /write folder:PATH/],
    ['embedded:5', /write embedded$/],
    ['cifar10:/nonexistent', /\/nonexistent/],
    ['cifar100:/nonexistent', /\/nonexistent\/train.bin is not there/],
    ['imagenet32:/nonexistent', /train_data_batch_1 is not there/],
    ['imagenet:/nonexistent', /\/nonexistent\/train is not a folder/],
    ['webdataset:/nonexistent', /\/nonexistent is not there/],
    ['packed:/nonexistent', /cannot read \/nonexistent/],
    ['folder:/nonexistent', /\/nonexistent is not a folder/],
  ])('refuses %p', async (spec, message) => {
    await expect(openSource(spec, 'train')).rejects.toThrow(UserError);
    await expect(openSource(spec, 'train')).rejects.toThrow(message);
  });
});

test('a folder is a source of its images, whatever its name', () =>
  inTemporaryFolder((folder) => {
    const before = process.cwd();
    for (const name of ['photos', 'images', 'folder', 'embedded']) mkdirSync(path.join(folder, name));
    process.chdir(folder);
    try {
      const given = ['photos', 'images', 'folder', './embedded', 'embedded', 'folder:photos'];
      expect(given.map(sourceOf)).toEqual([
        'images:photos',
        'images:images',
        'images:folder',
        'images:./embedded',
        'embedded',
        'folder:photos',
      ]);
      expect(() => sourceOf('absent')).toThrow('absent is no folder');
    } finally {
      process.chdir(before);
    }
  }));
