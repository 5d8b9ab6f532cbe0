/** Unlabelled images beside labelled ones: the same image in two forms, in an order of their own. */
import { truncateSync } from 'node:fs';
import path from 'node:path';
import { Random } from '../../../src/base/random';
import { readImage } from '../../../src/data/batches/examples';
import { createLoader, type LoaderOptions } from '../../../src/data/batches/loader';
import { shuffledSampler } from '../../../src/data/batches/sampler';
import { openSource } from '../../../src/data/sources/readers';
import type { Pixels } from '../../../src/tensors/pixels';
import { take } from '../../support/batches';
import { inTemporaryFolder } from '../../support/temporary';
import { writeCifar, writeFolder } from '../samples';

const options = (spec: string, more: Partial<LoaderOptions> = {}): LoaderOptions => ({
  spec,
  split: 'train',
  batch: 2,
  seed: 3,
  mode: 'train',
  image: { size: 32, channels: 3 },
  augment: { pad: 0, flip: false, cropScale: 0 },
  labels: { classes: 10 },
  ...more,
});

const NONE = { randAugment: 0, magnitude: 1, cutout: 0 };
const image = (array: Pixels | undefined, i: number) =>
  Buffer.from(array?.slice(i * 3072, (i + 1) * 3072) ?? []).toString('base64');

test('without augmentation both forms are the images themselves, each once an epoch', () =>
  inTemporaryFolder(async (folder) => {
    writeCifar(folder, 6);
    const spec = `cifar10:${folder}`;
    const source = await openSource(spec, 'train');
    if (source.kind !== 'pixels') throw new Error('expected pixels');
    const indices = Int32Array.from({ length: 12 }, (_, i) => 2 * i);
    const stored = Array.from(indices, (i) => image(source.pixels(i), 0));
    source.close();
    const batches = await take(options(spec, { unlabelled: { spec, indices, ratio: 3, strong: NONE } }), 2);
    for (const { images, unlabelled_weak, unlabelled_strong } of batches) {
      expect([images.length, unlabelled_weak?.length]).toEqual([2 * 3072, 6 * 3072]);
      expect(unlabelled_strong).toEqual(unlabelled_weak);
    }
    const seen = batches.flatMap(({ unlabelled_weak }) =>
      Array.from({ length: 6 }, (_, i) => image(unlabelled_weak, i)),
    );
    expect(seen.sort()).toEqual(stored.sort());
  }));

test('the strong form alone is changed; labelled batches stay as they were; any step can be made alone', async () => {
  const strong = { randAugment: 2, magnitude: 1, cutout: 0.5 };
  const unlabelled = { spec: 'embedded', ratio: 2, strong };
  const [, second] = await take(options('embedded', { unlabelled }), 2);
  const [, plain] = await take(options('embedded'), 2);
  expect(second.images).toEqual(plain.images);
  expect(plain.unlabelled_weak).toBeUndefined();
  for (let i = 0; i < 4; i++)
    expect(image(second.unlabelled_strong, i)).not.toBe(image(second.unlabelled_weak, i));
  const [again] = await take(options('embedded', { unlabelled, startStep: 1 }), 1);
  expect(again.unlabelled_strong).toEqual(second.unlabelled_strong);
});

test('too few images for a batch is an error before anything starts', async () => {
  const unlabelled = { spec: 'embedded', indices: Int32Array.of(1, 2, 3), ratio: 2, strong: NONE };
  await expect(createLoader(options('embedded', { unlabelled }))).rejects.toThrow(
    '3 examples are fewer than one batch of 4',
  );
});

test('each form is augmented by numbers of its own, drawn from seed, epoch and index', () =>
  inTemporaryFolder(async (folder) => {
    writeCifar(folder, 2);
    const spec = `cifar10:${folder}`;
    const source = await openSource(spec, 'train');
    const augment = { pad: 4, flip: true, cropScale: 0 };
    const strong = { randAugment: 2, magnitude: 0.5, cutout: 0.25 };
    const given = options(spec, { augment, unlabelled: { spec, ratio: 2, strong } });
    const sampler = shuffledSampler(
      Int32Array.from({ length: 10 }, (_, i) => i),
      4,
      3,
      'unlabelled',
    );
    for (const { step, unlabelled_weak, unlabelled_strong } of await take(given, 5)) {
      const { epoch, indices } = sampler.draw(step);
      for (const [i, index] of indices.entries()) {
        const expected = new Uint8Array(3072);
        const read = (name: string, how: typeof augment) =>
          readImage(
            source,
            { image: given.image, augment: how },
            index,
            new Random(3, name, epoch, index),
            expected,
          );
        await read('weak', augment);
        expect(image(unlabelled_weak, i)).toBe(image(expected, 0));
        await read('strong', { ...augment, ...strong });
        expect(image(unlabelled_strong, i)).toBe(image(expected, 0));
      }
    }
    source.close();
  }));

test('of another source: its training images, in any number; broken ones are replaced and named', () =>
  inTemporaryFolder(async (folder) => {
    await writeFolder(path.join(folder, 'photos'), 3);
    const spec = `folder:${path.join(folder, 'photos')}`;
    truncateSync(path.join(folder, 'photos', 'train', 'pear', '1.png'), 60);
    const unlabelled = { spec, ratio: 3, strong: NONE };
    const more = { unlabelled, broken: 'skip' as const };
    const [batch] = await take(options('embedded', more), 1);
    expect(batch.broken.map(({ where }) => path.basename(where))).toEqual(['1.png']);
    const images = Array.from({ length: 6 }, (_, i) => image(batch.unlabelled_weak, i));
    expect(new Set(images).size).toBe(5);
    expect(batch.unlabelled_strong).toEqual(batch.unlabelled_weak);
    await expect(take(options('embedded', { unlabelled }), 1)).rejects.toThrow(/1\.png cannot be decoded/);
  }));

test('another source must fit the graph too', async () => {
  const unlabelled = { spec: 'embedded', ratio: 1, strong: NONE };
  await inTemporaryFolder(async (folder) => {
    await writeFolder(folder, 2);
    const small = options(`folder:${folder}`, {
      image: { size: 16, channels: 3 },
      labels: { classes: 2 },
      unlabelled,
    });
    await expect(createLoader(small)).rejects.toThrow(
      /embedded has images of 32 x 32, the graph takes 16 x 16/,
    );
  });
});
