/** Unlabelled images beside labelled ones: the same image in two forms, in an order of their own. */
import { createLoader, type LoaderOptions } from '../../../src/data/batches/loader';
import { openSource } from '../../../src/data/sources/readers';
import { take } from '../../support/batches';
import { inTemporaryFolder } from '../../support/temporary';
import { writeCifar } from '../samples';

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
const image = (array: Uint8Array | undefined, i: number) =>
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
