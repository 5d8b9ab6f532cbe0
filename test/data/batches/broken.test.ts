/** Broken images: skipped in training and evaluation, found by info and pack; and what a packed file gives back. */
import { truncateSync } from 'node:fs';
import path from 'node:path';
import sharp from 'sharp';
import { contactSheet, inspectSource } from '../../../src/data/tools/info';
import type { LoaderOptions } from '../../../src/data/batches/loader';
import { packSource } from '../../../src/data/tools/pack';
import { openSource } from '../../../src/data/sources/readers';
import { take } from '../../support/batches';
import { inTemporaryFolder } from '../../support/temporary';
import { jpeg, writeCifar, writeFolder, writeTar } from '../samples';

/** Eight training images, of which two are cut off: 2 and 5. */
async function writeBroken(folder: string): Promise<string[]> {
  await writeFolder(folder, 4);
  const files = ['apple/2.webp', 'pear/1.png'].map((name) => path.join(folder, 'train', name));
  for (const file of files) truncateSync(file, 60);
  return files;
}

const options = (folder: string, mode: LoaderOptions['mode']): LoaderOptions => ({
  spec: `folder:${folder}`,
  split: 'train',
  batch: 4,
  seed: 1,
  mode,
  image: { size: 16, channels: 3 },
  augment: null,
  labels: { classes: 2 },
  broken: 'skip',
});

it('training puts another image of the batch in their place', () =>
  inTemporaryFolder(async (folder) => {
    const files = await writeBroken(folder);
    const batches = await take(options(folder, 'train'), 2);
    const broken = batches.flatMap((batch) => batch.broken);
    expect(broken.map(({ index }) => index).sort()).toEqual([2, 5]);
    for (const file of files)
      expect(broken.map(({ reason }) => reason).join()).toContain(`${file} cannot be`);
    for (const { indices, valid, labels } of batches) {
      expect([valid, indices.length]).toEqual([4, 4]);
      expect([...indices].some((index) => index === 2 || index === 5)).toBe(false);
      expect([...(labels ?? [])]).toEqual([...indices].map((index) => BigInt(index >> 2)));
    }
  }));

it('evaluation leaves them out', () =>
  inTemporaryFolder(async (folder) => {
    await writeBroken(folder);
    const batches = await take(options(folder, 'evaluate'), 2);
    expect(batches.map(({ valid }) => valid)).toEqual([3, 3]);
    expect(batches.flatMap(({ indices, valid }) => [...indices.subarray(0, valid)])).toEqual([
      0, 1, 3, 4, 6, 7,
    ]);
    expect(batches.map(({ labels }) => [...(labels ?? [])])).toEqual([
      [0n, 0n, 0n, 0n],
      [1n, 1n, 1n, 1n],
    ]);
  }));

it('a batch of nothing else is empty in evaluation, and the end of a training', () =>
  inTemporaryFolder(async (folder) => {
    await writeFolder(folder, 2);
    for (const name of ['0.jpg', '1.png']) truncateSync(path.join(folder, 'train', 'pear', name), 60);
    const batches = await take({ ...options(folder, 'evaluate'), batch: 2 });
    expect(batches.map(({ valid, broken }) => [valid, broken.length])).toEqual([
      [2, 0],
      [0, 2],
    ]);
    expect(batches.map(({ images }) => images.some((value) => value !== 0))).toEqual([true, false]);
    const pears = { ...options(folder, 'train'), batch: 2, indices: Int32Array.of(2, 3) };
    await expect(take(pears, 1)).rejects.toThrow(
      /^none of the 2 images of a batch can be read; first: .*pear.(0\.jpg|1\.png) cannot be/,
    );
  }));

it('info counts them and measures the others', () =>
  inTemporaryFolder(async (folder) => {
    await writeBroken(folder);
    const source = await openSource(`folder:${folder}`, 'train');
    const info = await inspectSource(source);
    expect([info.count, info.looked, info.broken.map(({ index }) => index)]).toEqual([8, 8, [2, 5]]);
    expect(info.perClass).toEqual([
      { name: 'apple', count: 4 },
      { name: 'pear', count: 4 },
    ]);
    expect(info.width).toEqual([40, 54, 61]);
    const sheet = await sharp(await contactSheet(source)).metadata();
    expect([sheet.format, sheet.width, sheet.height]).toEqual(['png', 4 * 66 + 2, 2 * 66 + 2]);
    // Classes without images get no row.
    const sparse = { ...source, classes: ['none', 'apple', 'nor here', 'pear'] };
    const labelled = { ...sparse, label: (index: number) => 2 * Math.floor(index / 4) + 1 };
    expect(await sharp(await contactSheet(labelled)).metadata()).toMatchObject({ height: 2 * 66 + 2 });
    // One pixel of each value: mean 1/2, deviation 1/2.
    const halves = await inspectSource({
      ...(await openSource('embedded', 'test')),
      kind: 'pixels',
      length: 1,
      width: 2,
      height: 1,
      channels: 1,
      pixels: () => Uint8Array.of(0, 255),
    });
    expect([halves.mean, halves.std]).toEqual([[0.5], [0.5]]);
    source.close();
  }));

it('pack skips or refuses them, and a packed file gives the same images and labels', () =>
  inTemporaryFolder(async (folder) => {
    const [file] = await writeBroken(folder);
    const packed = path.join(folder, 'x.pack');
    const spec = `folder:${folder}`;
    await expect(packSource({ spec, file: packed, size: 24 })).rejects.toThrow(`${file} cannot be decoded`);
    await expect(openSource(`packed:${packed}`, 'train')).rejects.toThrow('cannot read');
    await expect(packSource({ spec, file: packed })).rejects.toThrow('--size 256');
    const report = await packSource({ spec, file: packed, size: 24, broken: 'skip' });
    expect(report.splits).toEqual([
      { split: 'train', length: 6 },
      { split: 'test', length: 2 },
    ]);
    const source = await openSource(`packed:${packed}`, 'train');
    if (source.kind !== 'pixels') throw new Error('expected pixels');
    expect([source.length, source.width, source.classes]).toEqual([6, 24, ['apple', 'pear']]);
    expect([0, 1, 2, 3, 4, 5].map((i) => source.label(i))).toEqual([0, 0, 0, 1, 1, 1]);
    source.close();
    const [batch] = await take({ ...options(folder, 'train'), spec: `packed:${packed}`, broken: 'fail' }, 1);
    expect(batch.images).toHaveLength(4 * 16 * 16 * 3);
    truncateSync(packed, 5000);
    await expect(openSource(`packed:${packed}`, 'train')).rejects.toThrow(
      /cut off or damaged; pack it again/,
    );

    writeCifar(path.join(folder, 'cifar'), 3);
    const stored = `cifar10:${path.join(folder, 'cifar')}`;
    const cifar = path.join(folder, 'e.pack');
    await packSource({ spec: stored, file: cifar });
    const [before, after] = [await openSource(stored, 'test'), await openSource(`packed:${cifar}`, 'test')];
    if (before.kind !== 'pixels' || after.kind !== 'pixels') throw new Error('expected pixels');
    expect(after.length).toBe(before.length);
    for (const index of [0, 1, before.length - 1]) {
      expect(Buffer.from(after.pixels(index)).equals(Buffer.from(before.pixels(index)))).toBe(true);
      expect(after.label(index)).toBe(before.label(index));
    }
    after.close();
  }));

it('packs photographs in gray where one channel is asked for, and trains on it', () =>
  inTemporaryFolder(async (folder) => {
    await writeFolder(folder, 4);
    const file = path.join(folder, 'gray.pack');
    await packSource({ spec: `folder:${folder}`, file, size: 24, channels: 1 });
    const spec = `packed:${file}`;
    const source = await openSource(spec, 'train');
    if (source.kind !== 'pixels') throw new Error('expected pixels');
    expect([source.channels, source.pixels(0).length]).toEqual([1, 24 * 24]);
    // As gray as the photograph itself, which has two colours side by side.
    const image = { size: 24, channels: 1 };
    const of = async (from: string) =>
      (await take({ ...options(folder, 'evaluate'), spec: from, image }, 1))[0].images;
    const [packed, original] = [await of(spec), await of(`folder:${folder}`)];
    for (const column of [1, 22]) expect(Math.abs(packed[column] - original[column])).toBeLessThanOrEqual(8);
    expect(packed).toHaveLength(4 * 24 * 24);
    source.close();
    await expect(packSource({ spec, file: path.join(folder, 'x'), channels: 3 })).rejects.toThrow(
      /--channels 3: packed:.* has images of 24 x 24 pixels and 1 channels, packed as they are/,
    );
  }));

it('packs splits whose labels end at different classes, or of which only one has labels', () =>
  inTemporaryFolder(async (folder) => {
    const image = await jpeg(20, 20, 30);
    const shard = (split: string, labels: readonly string[]) =>
      writeTar(
        path.join(folder, `${split}.tar`),
        labels.flatMap((label, i) => [
          [`${i}.jpg`, image] as const,
          ...(label === '' ? [] : [[`${i}.cls`, label] as const]),
        ]),
      );
    const pack = async () => {
      const file = path.join(folder, 'x.pack');
      await packSource({ spec: `webdataset:${folder}`, file, size: 8 });
      const sources = await Promise.all(
        (['train', 'test'] as const).map((split) => openSource(`packed:${file}`, split)),
      );
      for (const source of sources) source.close();
      return sources.map((source) => [
        source.classes?.length ?? null,
        Array.from({ length: source.length }, (_, i) => source.label(i)),
      ]);
    };
    await shard('train', ['1', '0']);
    await shard('val', ['0', '2']);
    expect(await pack()).toEqual([
      [3, [1, 0]],
      [3, [0, 2]],
    ]);
    await shard('val', ['', '']);
    expect(await pack()).toEqual([
      [2, [1, 0]],
      [null, [null, null]],
    ]);
  }));
