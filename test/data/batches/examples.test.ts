/** Single examples: how an image is read, what stands in for broken ones, several at once. */
import path from 'node:path';
import { UserError } from '../../../src/base/errors';
import { fillPlaces, readImage, substitutes, takePlaces } from '../../../src/data/batches/examples';
import type { BrokenImage } from '../../../src/data/batches/options';
import { decodeCenter } from '../../../src/data/images/decode';
import { augmentRandom, type Augment } from '../../../src/data/images/transforms';
import { openSource } from '../../../src/data/sources/readers';
import type { Source } from '../../../src/data/sources/source';
import { inTemporaryFolder } from '../../support/temporary';
import { writeFolder } from '../samples';

const broken = (...places: number[]): ReadonlyMap<number, BrokenImage> =>
  new Map(places.map((index) => [index, { index, where: String(index), reason: '' }]));

describe('what stands in the place of broken images', () => {
  test('in training the next readable one, for those at the end the first', () => {
    expect(substitutes(broken(1, 2, 5), 6, 6, 'train')).toEqual([0, 3, 3, 3, 4, 0]);
    expect(substitutes(broken(0), 3, 3, 'train')).toEqual([1, 1, 2]);
    expect(substitutes(broken(), 3, 3, 'train')).toEqual([0, 1, 2]);
  });

  test('in evaluation the readable ones move to the front, and the last one fills the batch', () => {
    expect(substitutes(broken(1, 2), 6, 5, 'evaluate')).toEqual([0, 3, 4, 4, 4, 4]);
    expect(substitutes(broken(), 4, 2, 'evaluate')).toEqual([0, 1, 1, 1]);
  });

  test('arrays and indices are moved together, a row at a time', () => {
    const images = Uint8Array.of(0, 0, 1, 1, 2, 2);
    const labels = BigInt64Array.of(10n, 11n, 12n);
    const indices = Int32Array.of(7, 8, 9);
    expect([...takePlaces([images, undefined, labels], indices, [0, 2, 2])]).toEqual([7, 9, 9]);
    expect([[...images], [...labels], [...indices]]).toEqual([
      [0, 0, 2, 2, 2, 2],
      [10n, 12n, 12n],
      [7, 8, 9],
    ]);
  });
});

describe('many places', () => {
  const source = (kind: 'encoded' | 'pixels', resizable = false) =>
    ({ kind, resizable, where: (index: number) => `image ${index}` }) as unknown as Source;
  const indices = Int32Array.of(10, 11, 12, 13, 14, 15);

  /** Reads that are answered by hand. */
  async function lanesOf(of: Source): Promise<number> {
    const waiting: (() => void)[] = [];
    let most = 0;
    const filled = fillPlaces(of, {}, indices, 6, () => {
      most = Math.max(most, waiting.length + 1);
      return new Promise((resolve) => waiting.push(resolve));
    });
    for (let read = 0; read < 6; read++) {
      waiting.shift()?.();
      await new Promise(setImmediate);
    }
    await filled;
    return most;
  }

  test('images that are decoded are read four at a time, others one after the other', async () => {
    expect(await lanesOf(source('encoded'))).toBe(4);
    expect(await lanesOf(source('pixels', true))).toBe(4);
    expect(await lanesOf(source('pixels'))).toBe(1);
  });

  const failing = (place: number) =>
    place % 2 === 0 ? Promise.reject(new UserError(`${place} is broken`)) : Promise.resolve();

  test('the first so many, and those that are to be skipped in ascending order', async () => {
    const read: number[] = [];
    const found = await fillPlaces(source('encoded'), { broken: 'skip' }, indices, 5, async (place) => {
      read.push(place);
      // the earlier the longer
      for (let i = 0; i < 5 - place; i++) await new Promise(setImmediate);
      await failing(place);
    });
    expect(read.sort()).toEqual([0, 1, 2, 3, 4]);
    expect([...found]).toEqual(
      [0, 2, 4].map((i) => [i, { index: 10 + i, where: `image ${10 + i}`, reason: `${i} is broken` }]),
    );
  });

  test('a broken one ends it unless it is to be skipped, and any other error always', async () => {
    const fill = (policy: 'fail' | 'skip' | undefined, read: (place: number) => Promise<void>) =>
      fillPlaces(source('pixels'), { broken: policy }, indices, 6, read);
    await expect(fill('fail', failing)).rejects.toThrow('0 is broken');
    await expect(fill(undefined, failing)).rejects.toThrow('0 is broken');
    await expect(fill('skip', () => Promise.reject(new Error('no memory')))).rejects.toThrow('no memory');
  });
});

describe('one image', () => {
  const image = { size: 8, channels: 3 };
  const bytes = 8 * 8 * 3;
  const off: Augment = { pad: 0, flip: false, cropScale: 0 };

  /** Reads image 0 of a folder of photographs, 16 times with other numbers; how many of the results differ. */
  const different = (folder: string, augment: Augment | null, of = image) =>
    readAll(folder, augment, of).then((all) => new Set(all).size);
  async function readAll(folder: string, augment: Augment | null, of = image): Promise<string[]> {
    const source = await openSource(`folder:${folder}`, 'train');
    const all: string[] = [];
    for (let i = 0; i < 16; i++) {
      const out = new Uint8Array(of.size * of.size * of.channels);
      await readImage(source, { augment, image: of }, 0, augmentRandom(0, i, 0), out);
      all.push(Buffer.from(out).toString('base64'));
    }
    source.close();
    return all;
  }

  test('a photograph: its middle where nothing is to be done, a box of it where it is to be cropped', () =>
    inTemporaryFolder(async (folder) => {
      await writeFolder(folder, 1);
      const source = await openSource(`folder:${folder}`, 'train');
      if (source.kind !== 'encoded') throw new Error('expected photographs');
      const middle = await decodeCenter(await source.bytes(0), path.join(folder, '0'), {
        size: 8,
        channels: 3,
      });
      source.close();
      const plain = Buffer.from(middle.pixels).toString('base64');
      expect(new Set(await readAll(folder, null))).toEqual(new Set([plain]));
      expect(new Set(await readAll(folder, off))).toEqual(new Set([plain]));
      expect(await different(folder, { ...off, cropScale: 0.2 })).toBeGreaterThan(5);
      expect(await different(folder, { ...off, flip: true })).toBe(2);
      // moved by -2 .. 2 in both directions
      expect(await different(folder, { ...off, pad: 2 })).toBeGreaterThan(5);
      const padded = await readAll(folder, { ...off, pad: 2, cropScale: 0.2 });
      expect(padded).toEqual(await readAll(folder, { ...off, cropScale: 0.2 }));
      expect(await different(folder, null, { size: 8, channels: 1 })).toBe(1);
    }));

  test('stored pixels of the final size are taken as they are', async () => {
    const pixels = Uint8Array.from({ length: bytes }, (_, i) => i);
    const source = {
      kind: 'pixels',
      resizable: false,
      ...{ width: 8, height: 8, channels: 3 },
      pixels: (index: number) => pixels.map((value) => value + index),
    } as unknown as Source;
    const out = new Uint8Array(bytes);
    await readImage(source, { augment: null, image }, 2, augmentRandom(0, 0, 0), out);
    expect(out).toEqual(pixels.map((value) => value + 2));
    await readImage(source, { augment: { ...off, cropScale: 0.1 }, image }, 1, augmentRandom(0, 0, 0), out);
    expect(out).toEqual(pixels.map((value) => value + 1));
  });
});
