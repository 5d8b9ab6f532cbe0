/** The page's own pieces that need no browser: order and classes of dropped files, resizing, batches. */
import crypto from 'node:crypto';
import { writeFileSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import sharp from 'sharp';
import { recipeSchema } from '../../../src/bundle/recipe';
import { openSource } from '../../../src/data/sources/readers';
import { shuffledSampler } from '../../../src/data/batches/sampler';
import { makeBatch } from '../../../src/web/train/batches';
import { listImages } from '../../../src/web/train/files';
import { resizeBox, toGray } from '../../../src/web/train/resize';
import { createHash } from '../../../src/web/train/sha256';
import { embeddedSource, photoSource } from '../../../src/web/train/source';
import { take } from '../../support/batches';
import { inTemporaryFolder } from '../../support/temporary';

const listed = (paths: readonly string[]) => {
  const { files, labels, classes } = listImages(paths.map((name) => ({ path: name, file: name })));
  return { names: files.map(({ file }) => file), labels, classes };
};

test('the hash of pages is that of Node', () => {
  const parts = ['a\0' + '3\n', '\u00e4\ud83d\ude00', 'x'.repeat(1000)];
  const [here, node] = [createHash('sha256'), crypto.createHash('sha256')];
  for (const part of parts) {
    here.update(part);
    node.update(part);
  }
  expect(here.digest()).toBe(node.digest('hex'));
});

describe('dropped files', () => {
  test('loose images have no labels; what is no image is left out', () => {
    expect(listed(['b.png', 'notes.txt', 'a.JPG', '.hidden.png'])).toEqual({
      names: ['a.JPG', 'b.png'],
      labels: null,
      classes: null,
    });
  });

  test('every format of browsers counts, by name or type; what does not is named', () => {
    const names = ['a.gif', 'b.BMP', 'c.avif', 'd.tiff', 'e.heic', 'f.ico', 'g.jfif', 'h.jxl'];
    expect(listed(names).names).toEqual([...names].sort());
    const typed = listImages([{ path: 'photo', file: { type: 'image/png' } }]);
    expect(typed.files).toHaveLength(1);
    const paths = ['d/train/c/1.png', 'd/val/c/2.png', 'd/notes.txt'];
    const { passed } = listImages(paths.map((name) => ({ path: name, file: name })));
    expect(passed).toEqual([
      { name: 'd/notes.txt', reason: 'no image by its name' },
      { name: 'd/val/c/2.png', reason: 'not in train/' },
    ]);
  });

  test.each([
    ['one folder of images', ['photos/b.png', 'photos/a.png'], null],
    ['two class folders', ['dog/1.png', 'cat/2.png', 'cat/1.png'], ['cat', 'dog']],
    ['a folder of class folders', ['all/dog/1.png', 'all/cat/x/2.png', 'all/cat/1.png'], ['cat', 'dog']],
    ['splits', ['d/train/cat/1.png', 'd/train/dog/1.png', 'd/val/cat/3.png'], ['cat', 'dog']],
    ['images beside folders', ['d/a/1.png', 'd/b/1.png', 'd/z.png', 'd/a/x/1.png', 'd/a/y.png'], null],
  ])('%s: as folder:PATH reads it', (_what, paths, classes) =>
    inTemporaryFolder(async (folder) => {
      for (const name of paths) {
        mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
        writeFileSync(path.join(folder, name), '');
      }
      const roots = new Set(paths.map((name) => name.split('/')[0]));
      const root = roots.size === 1 ? path.join(folder, ...roots) : folder;
      const source = await openSource(`folder:${root}`, 'train');
      const found = listed(paths);
      const indices = Array.from({ length: source.length }, (_, i) => i);
      expect(found.names.map((name) => path.join(folder, name))).toEqual(indices.map((i) => source.where(i)));
      expect(found.classes).toEqual(source.classes);
      expect(found.classes).toEqual(classes);
      expect(found.labels ?? indices.map(() => null)).toEqual(indices.map((i) => source.label(i)));
      source.close();
    }),
  );
});

describe('resizing', () => {
  const image = { width: 32, height: 32, channels: 3, pixels: embeddedSource('train').pixels(0) };

  test('a box of the same size is copied', () => {
    const {
      width,
      height,
      pixels: out,
    } = resizeBox(image, { left: 4, top: 2, width: 8, height: 8 }, { width: 8, height: 8 });
    const right = Array.from({ length: 8 }, (_, y) =>
      image.pixels.slice(((y + 2) * 32 + 4) * 3).slice(0, 24),
    );
    expect([width, height]).toEqual([8, 8]);
    expect(Array.from(out)).toEqual(right.flatMap((row) => Array.from(row)));
  });

  /** A gray row of pixels, as high as wide. */
  const stretch = (row: readonly number[], size: number) => {
    const square = row.flatMap(() => row);
    const gray = { width: row.length, height: row.length, channels: 1, pixels: Uint8Array.from(square) };
    const box = { left: 0, top: 0, width: row.length, height: row.length };
    return Array.from(resizeBox(gray, box, { width: size, height: size }).pixels.subarray(0, size));
  };

  test('a triangle, as wide as the reduction asks for and no narrower than a pixel', () => {
    expect(stretch([0, 100], 4)).toEqual([0, 25, 75, 100]);
    expect(stretch([0, 0, 100, 100], 2)).toEqual([14, 86]);
  });

  // libvips first shrinks by whole numbers, with a box
  test.each([8, 13])('to %d pixels about as libvips does', async (size) => {
    const { pixels: out } = resizeBox(
      image,
      { left: 0, top: 0, width: 32, height: 32 },
      { width: size, height: size },
    );
    const theirs = await sharp(image.pixels, { raw: { width: 32, height: 32, channels: 3 } })
      .resize(size, size, { fit: 'fill', kernel: 'linear' })
      .raw()
      .toBuffer();
    const apart = Array.from(out, (value, i) => Math.abs(value - theirs[i]));
    expect(Math.max(...apart)).toBeLessThanOrEqual(12);
    expect(apart.reduce((sum, value) => sum + value, 0) / apart.length).toBeLessThan(2);
  });

  test('gray is luma', () => {
    const one = { width: 1, height: 1, channels: 3, pixels: Uint8Array.of(10, 20, 30) };
    expect(Array.from(toGray(one).pixels)).toEqual([18]);
  });
});

describe('batches', () => {
  const recipe = recipeSchema.parse({
    task: 'pretrain',
    batch: 6,
    augment: { pad: 4, flip: true, cutout: 0.5 },
  });
  const options = {
    seed: 3,
    image: { size: 32, channels: 3 },
    augment: recipe.augment,
    labels: { classes: 10 },
    patchOrder: { grid: { rows: 4, columns: 4 }, hidden: 4, mask: 'block' as const },
  };

  test('of generated images are the very bytes of the loader', async () => {
    const loaded = await take({ ...options, spec: 'embedded', split: 'train', mode: 'train', batch: 6 }, 3);
    const source = embeddedSource('train');
    const all = Int32Array.from({ length: source.length }, (_, i) => i);
    const sampler = shuffledSampler(all, 6, options.seed);
    for (const [step, batch] of loaded.entries()) {
      const made = makeBatch(source, options, sampler.draw(step), step);
      for (const name of ['images', 'labels', 'patch_order', 'indices'] as const)
        expect(Array.from(made[name] ?? [], Number)).toEqual(Array.from(batch[name] ?? [], Number));
      expect([made.step, made.epoch]).toEqual([batch.step, batch.epoch]);
    }
  });

  test('of photographs are cut to size, and repeat for the same seed', () => {
    const pixels = Uint8Array.from({ length: 60 * 40 * 3 }, (_, i) => i % 256);
    const photo = { width: 60, height: 40, channels: 3, pixels };
    const source = photoSource({
      names: ['a', 'b'],
      images: [photo, photo],
      labels: [1, 0],
      classes: ['x', 'y'],
    });
    const draw = { epoch: 2, indices: Int32Array.of(1, 0) };
    const made = makeBatch(source, options, draw, 5);
    expect(made.images?.length).toBe(2 * 32 * 32 * 3);
    expect(made.labels).toEqual(BigInt64Array.of(0n, 1n));
    expect(makeBatch(source, options, draw, 5)).toEqual(made);
    const plain = makeBatch(source, { ...options, augment: null }, draw, 5);
    expect(plain.images).not.toEqual(made.images);
    const gray = makeBatch(source, { ...options, augment: null, image: { size: 32, channels: 1 } }, draw, 5);
    expect(gray.images?.length).toBe(2 * 32 * 32);
  });
});
