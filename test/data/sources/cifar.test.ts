import { readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { openCifar10 } from '../../../src/data/sources/cifar';
import { UserError } from '../../../src/base/errors';
import type { Pixels } from '../../../src/tensors/pixels';
import { cifarDirectory, describeShared } from '../../support/paths';
import { inTemporaryFolder } from '../../support/temporary';
import { CIFAR_NAMES, cifarByte, cifarLabel, writeCifar } from '../samples';

function messageOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(UserError);
    return (error as UserError).message;
  }
  throw new Error('nothing was thrown');
}

describe('cifar10 reader', () => {
  it('reads every record of every file, channels last', () =>
    inTemporaryFolder((folder) => {
      writeCifar(folder, 3);
      const source = openCifar10(folder, 'train');
      expect([source.length, source.width, source.height, source.channels]).toEqual([15, 32, 32, 3]);
      expect(source.classes).toEqual(CIFAR_NAMES);
      for (let index = 0; index < 15; index++) {
        const [f, r] = [1 + Math.floor(index / 3), index % 3];
        expect(source.label(index)).toBe(cifarLabel(f, r));
        const expected = Uint8Array.from({ length: 3072 }, (_, i) =>
          cifarByte(f, r, i % 3, Math.floor(i / 96), Math.floor(i / 3) % 32),
        );
        expect(Buffer.from(source.pixels(index)).equals(Buffer.from(expected))).toBe(true);
      }
      expect(source.where(7)).toBe(`${path.join(folder, 'data_batch_3.bin')}, record 1`);
      expect(() => source.pixels(15)).toThrow(RangeError);
      expect(() => source.label(-1)).toThrow(RangeError);
      source.close();
      const test = openCifar10(folder, 'test');
      expect(test.length).toBe(3);
      expect(test.label(2)).toBe(cifarLabel(6, 2));
      test.close();
    }));

  it('names a file that is missing', () =>
    inTemporaryFolder((folder) => {
      expect(messageOf(() => openCifar10('/nonexistent', 'test'))).toContain('/nonexistent/test_batch.bin');
      writeCifar(folder, 1);
      rmSync(path.join(folder, 'data_batch_4.bin'));
      expect(messageOf(() => openCifar10(folder, 'train'))).toContain('data_batch_4.bin is not there');
      rmSync(path.join(folder, 'batches.meta.txt'));
      expect(messageOf(() => openCifar10(folder, 'test'))).toContain('batches.meta.txt is not there');
    }));

  it.each([0, 1, 3072, 2 * 3073 - 1, 3073 + 1])('refuses a file of %i bytes', (size) =>
    inTemporaryFolder((folder) => {
      writeCifar(folder, 2);
      const file = path.join(folder, 'data_batch_2.bin');
      truncateSync(file, size);
      const message = messageOf(() => openCifar10(folder, 'train'));
      for (const part of [file, `${size} bytes`, '3073', '30730000']) expect(message).toContain(part);
    }),
  );

  it('names file, record and label of a label above 9', () =>
    inTemporaryFolder((folder) => {
      writeCifar(folder, 4);
      const file = path.join(folder, 'data_batch_5.bin');
      const bytes = readFileSync(file);
      bytes[2 * 3073] = 17;
      writeFileSync(file, bytes);
      const message = messageOf(() => openCifar10(folder, 'train'));
      expect(message).toBe(`${file}, record 2: label 17, expected 0 to 9`);
    }));

  it('refuses a list of class names of another length', () =>
    inTemporaryFolder((folder) => {
      writeCifar(folder, 1);
      writeFileSync(path.join(folder, 'batches.meta.txt'), 'cat\ndog\n');
      expect(messageOf(() => openCifar10(folder, 'test'))).toContain('names 2 classes, expected 10');
    }));
});

describeShared('the real CIFAR-10', () => {
  it('gives the known labels, pixels and names', () => {
    const train = openCifar10(cifarDirectory, 'train');
    const test = openCifar10(cifarDirectory, 'test');
    expect([train.length, test.length]).toEqual([50_000, 10_000]);
    expect(train.classes).toEqual(CIFAR_NAMES);
    const first = Array.from({ length: 10 }, (_, i) => i);
    // Numbers read with NumPy from the same files.
    expect(first.map((i) => train.label(i))).toEqual([6, 9, 9, 4, 1, 1, 2, 7, 8, 3]);
    expect(first.map((i) => test.label(i))).toEqual([3, 8, 8, 0, 6, 6, 1, 6, 3, 1]);
    const pixel = (pixels: Pixels, row: number, column: number) => [
      ...pixels.subarray((row * 32 + column) * 3, (row * 32 + column) * 3 + 3),
    ];
    expect(pixel(train.pixels(7), 5, 9)).toEqual([85, 45, 45]);
    expect(pixel(train.pixels(7), 0, 0)).toEqual([28, 35, 39]);
    expect(train.label(21_234)).toBe(1);
    expect(pixel(train.pixels(21_234), 20, 3)).toEqual([71, 74, 78]);
    expect(pixel(test.pixels(9_999), 31, 0)).toEqual([116, 120, 90]);
    const counts = new Array<number>(10).fill(0);
    for (let i = 0; i < train.length; i++) counts[train.label(i) ?? -1]++;
    expect(counts).toEqual(new Array(10).fill(5000));
    train.close();
    test.close();
  });
});
