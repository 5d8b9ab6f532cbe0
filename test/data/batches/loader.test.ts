import { truncateSync } from 'node:fs';
import path from 'node:path';
import { createLoader, type LoaderOptions } from '../../../src/data/batches/loader';
import { BatchMemory } from '../../../src/data/batches/memory';
import type { Batch } from '../../../src/data/batches/options';
import { patchOrder } from '../../../src/data/batches/masks';
import { shapedPatchOrder } from '../../../src/data/batches/maskShapes';
import { openSource } from '../../../src/data/sources/readers';
import { augmentRandom, padCropFlip } from '../../../src/data/images/transforms';
import { UserError } from '../../../src/base/errors';
import { take } from '../../support/batches';
import { cifarDirectory, describeShared } from '../../support/paths';
import { inTemporaryFolder } from '../../support/temporary';
import { touch, writeCifar, writeFolder } from '../samples';

const AUGMENT = { pad: 4, flip: true, cropScale: 0.3 };

const areEqual = (a: ArrayLike<number>, b: ArrayLike<number>) => Buffer.from(a).equals(Buffer.from(b));
const training = (spec: string, more: Partial<LoaderOptions> = {}): LoaderOptions => ({
  spec,
  split: 'train',
  batch: 4,
  seed: 11,
  mode: 'train',
  image: { size: 32, channels: 3 },
  augment: AUGMENT,
  labels: { classes: 10 },
  patchOrder: { grid: { rows: 4, columns: 4 }, hidden: 4, mask: 'random' },
  ...more,
});

const evaluation = (spec: string, more: Partial<LoaderOptions> = {}) =>
  training(spec, { mode: 'evaluate', augment: null, split: 'test', ...more });

/** Threads alive in this process. */
const threads = () => process.getActiveResourcesInfo().filter((name) => name === 'MessagePort').length;

describe('loader', () => {
  it('delivers what source, sampler, transforms and masks say', () =>
    inTemporaryFolder(async (folder) => {
      writeCifar(folder, 5);
      const spec = `cifar10:${folder}`;
      const source = await openSource(spec, 'train');
      if (source.kind !== 'pixels') throw new Error('expected pixels');
      const batches = await take(training(spec), 14);
      expect(batches.map(({ step, epoch }) => [step, epoch])).toEqual(
        Array.from({ length: 14 }, (_, step) => [step, Math.floor(step / 6)]),
      );
      for (const epoch of [0, 1]) {
        const seen = batches.filter((b) => b.epoch === epoch).flatMap((b) => [...b.indices]);
        expect(new Set(seen).size).toBe(24);
      }
      for (const { epoch, indices, images, labels, patch_order, valid } of batches) {
        expect([valid, images.length, labels?.length, patch_order?.length]).toEqual([4, 4 * 3072, 4, 64]);
        indices.forEach((index, i) => {
          const stored = { width: 32, height: 32, channels: 3, pixels: source.pixels(index) };
          const expected = padCropFlip(stored, 4, true, augmentRandom(11, epoch, index));
          expect(areEqual(images.slice(i * 3072, (i + 1) * 3072), expected.pixels)).toBe(true);
          expect(labels?.[i]).toBe(BigInt(source.label(index) ?? -1));
          expect([...(patch_order?.slice(i * 16, (i + 1) * 16) ?? [])].map(Number)).toEqual([
            ...patchOrder(11, epoch, index, 16, 4),
          ]);
        });
      }
      source.close();
    }));

  it('hides what the shape of the mask says', async () => {
    const patchOrder = { grid: { rows: 4, columns: 4 }, hidden: 4, mask: 'rows' } as const;
    const [{ epoch, indices, patch_order }] = await take(training('embedded', { patchOrder }), 1);
    const { grid } = patchOrder;
    const expected = [...indices].flatMap((i) => [...shapedPatchOrder('rows', 11, epoch, i, grid, 4)]);
    expect(Array.from(patch_order ?? [], Number)).toEqual(expected);
  });

  it('hands over arrays that the runtime accepts', async () => {
    const [batch] = await take(training('embedded'), 1);
    expect(batch.images).toBeInstanceOf(Uint8Array);
    expect(batch.labels).toBeInstanceOf(BigInt64Array);
    expect(batch.patch_order).toBeInstanceOf(BigInt64Array);
    expect(batch.images.byteOffset).toBe(0);
    expect(batch.images.buffer.byteLength).toBe(batch.images.length);
  });

  it('fills only the inputs that are asked for', async () => {
    const [batch] = await take(training('embedded', { labels: undefined, patchOrder: undefined }), 1);
    expect([batch.labels, batch.patch_order]).toEqual([undefined, undefined]);
  });

  it('gives the same batches with any number of workers, and from any step on', () =>
    inTemporaryFolder(async (folder) => {
      await writeFolder(folder, 7);
      const spec = `folder:${folder}`;
      const one = await take(training(spec, { workers: 1 }), 8);
      expect(new Set(one.map(({ images }) => Buffer.from(images).toString('base64'))).size).toBe(8);
      expect(await take(training(spec, { workers: 2 }), 8)).toEqual(one);
      expect(await take(training(spec, { workers: 3, prefetch: 7 }), 8)).toEqual(one);
      expect(await take(training(spec, { startStep: 5, workers: 2 }), 3)).toEqual(one.slice(5));
      expect(await take(training(spec, { seed: 12 }), 8)).not.toEqual(one);
    }));

  it('evaluates in order, once, and fills the last batch by repetition', () =>
    inTemporaryFolder(async (folder) => {
      writeCifar(folder, 7);
      const batches = await take(evaluation(`cifar10:${folder}`, { batch: 3 }));
      expect(batches.map(({ valid }) => valid)).toEqual([3, 3, 1]);
      expect(batches.flatMap(({ indices, valid }) => [...indices.slice(0, valid)])).toEqual([
        0, 1, 2, 3, 4, 5, 6,
      ]);
      const last = batches[2].images;
      expect(last.slice(3072, 6144)).toEqual(last.slice(0, 3072));
      expect(last.slice(6144)).toEqual(last.slice(0, 3072));
      const source = await openSource(`cifar10:${folder}`, 'test');
      if (source.kind === 'pixels') expect(areEqual(last.slice(0, 3072), source.pixels(6))).toBe(true);
      source.close();
      const some = Int32Array.of(4, 1, 6);
      const subset = await take(evaluation(`cifar10:${folder}`, { batch: 2, indices: some }));
      expect(subset.flatMap(({ indices }) => [...indices])).toEqual([4, 1, 6, 6]);
    }));

  it('resizes folders and crops their middle for evaluation', () =>
    inTemporaryFolder(async (folder) => {
      await writeFolder(folder, 1);
      const [batch] = await take(
        evaluation(`folder:${folder}`, { batch: 2, image: { size: 16, channels: 1 } }),
      );
      expect(batch.images).toHaveLength(2 * 16 * 16);
      expect([...(batch.labels ?? [])]).toEqual([0n, 1n]);
    }));

  it('rejects the batch of a broken image, after those before it, and ends', () =>
    inTemporaryFolder(async (folder) => {
      await writeFolder(folder, 4);
      const broken = path.join(folder, 'train', 'pear', '1.png');
      truncateSync(broken, 60);
      const before = threads();
      for (const workers of [1, 2]) {
        const loader = await createLoader(
          training(`folder:${folder}`, { mode: 'evaluate', augment: null, batch: 2, workers }),
        );
        expect((await loader.next()).done).toBe(false);
        expect((await loader.next()).done).toBe(false);
        const failed = loader.next();
        await expect(failed).rejects.toThrow(UserError);
        await expect(failed).rejects.toThrow(`${broken} cannot be decoded`);
        expect((await loader.next()).done).toBe(true);
      }
      expect(threads()).toBe(before);
    }));

  it('ends its threads when it is closed, finished or left', async () => {
    const before = threads();
    const loader = await createLoader(training('embedded', { workers: 2, batch: 64 }));
    expect(threads()).toBeGreaterThan(before);
    const pending = loader.next();
    await Promise.all([loader.close(), loader.close()]);
    await pending;
    expect(await loader.next()).toEqual({ done: true, value: undefined });
    await take(evaluation('embedded', { indices: Int32Array.of(1, 2, 3) }));
    await take(training('embedded'), 2);
    expect(threads()).toBe(before);
  });

  it('uses memory again that is given back, and lays a block of batches behind one another', async () => {
    const loader = await createLoader(training('embedded', { block: 2, prefetch: 2, startStep: 4 }));
    const next = async () => {
      const { value } = (await loader.next()) as IteratorYieldResult<Batch>;
      return value;
    };
    const buffers = new Set<SharedArrayBuffer>();
    for (let i = 0; i < 10; i++) {
      const [first, second] = [await next(), await next()];
      expect([first.step, second.step]).toEqual([4 + 2 * i, 5 + 2 * i]);
      expect(second.images.buffer).toBe(first.images.buffer);
      expect([first.images.byteOffset, second.images.byteOffset]).toEqual([0, first.images.length]);
      buffers.add(first.images.buffer);
      loader.release([first, second]);
    }
    await loader.close();
    // one that is used and those that are made ahead
    expect(buffers.size).toBeLessThan(5);
  });

  it('makes so many batches ahead, and no more than there are', async () => {
    const asked = async (options: LoaderOptions, count: number) => {
      const slots = jest.spyOn(BatchMemory.prototype, 'slot');
      const loader = await createLoader(options);
      for (let i = 0; i < count; i++) await loader.next();
      await new Promise(setImmediate);
      const steps = slots.mock.calls.map(([step]) => step);
      slots.mockRestore();
      await loader.close();
      return steps;
    };
    expect(await asked(training('embedded', { prefetch: 3 }), 0)).toEqual([0, 1, 2]);
    expect(await asked(training('embedded', { prefetch: 3 }), 2)).toEqual([0, 1, 2, 3, 4]);
    expect(await asked(training('embedded', { workers: 2 }), 0)).toEqual([0, 1, 2, 3]);
    expect(await asked(training('embedded'), 0)).toEqual([0, 1]);
    const few = evaluation('embedded', { batch: 2, indices: Int32Array.of(1, 2, 3), prefetch: 9 });
    expect(await asked(few, 2)).toEqual([0, 1]);
  });

  it('says what it reads', async () => {
    const loader = await createLoader(evaluation('embedded', { batch: 300 }));
    await loader.close();
    expect([loader.source.name, loader.source.length, loader.stepsPerEpoch]).toEqual(['embedded', 2000, 7]);
  });

  it.each<[string, Partial<LoaderOptions>, RegExp]>([
    ['another size', { image: { size: 64, channels: 3 } }, /images of 32 x 32, the graph takes 64 x 64/],
    ['other channels', { image: { size: 32, channels: 1 } }, /has 3 channels, the graph takes 1/],
    ['four channels', { image: { size: 32, channels: 4 } }, /the graph takes 4; .*--set image.channels=3/],
    ['too few classes', { labels: { classes: 7 } }, /embedded has 10 classes, the network 7/],
    ['too large a batch', { indices: Int32Array.of(1, 2) }, /2 examples are fewer than one batch of 4/],
    ['an unknown source', { spec: 'mnist:x' }, /unknown data source/],
  ])('refuses %s before it starts a thread', async (_name, more, message) => {
    const before = threads();
    await expect(createLoader(training('embedded', more))).rejects.toThrow(UserError);
    await expect(createLoader(training('embedded', more))).rejects.toThrow(message);
    expect(threads()).toBe(before);
  });

  it('refuses labels of a source without them', () =>
    inTemporaryFolder(async (folder) => {
      touch(path.join(folder, '1.jpg'));
      await expect(createLoader(training(`folder:${folder}`))).rejects.toThrow(/has no labels/);
    }));
});

describeShared('loader on the real CIFAR-10', () => {
  it('runs through an epoch seeing each image once', async () => {
    const spec = `cifar10:${cifarDirectory}`;
    const loader = await createLoader(training(spec, { batch: 500, workers: 2 }));
    const seen = new Set<number>();
    const counts = new Array<number>(10).fill(0);
    for await (const { epoch, indices, labels } of loader) {
      if (epoch > 0) break;
      indices.forEach((index) => seen.add(index));
      labels?.forEach((label) => counts[Number(label)]++);
    }
    expect(loader.stepsPerEpoch).toBe(100);
    expect(seen.size).toBe(50_000);
    expect(counts).toEqual(new Array(10).fill(5000));
  });
});
