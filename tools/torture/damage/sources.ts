/** Data sets of every form that `--data` takes. */
import { copyFileSync, cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { packSource, openSplits } from '../../../src/data/tools/pack';
import { inspectSource } from '../../../src/data/tools/info';
import tar from 'tar-stream';
import { ROOT } from '../commands/program';
import type { Reader } from './reader';

/** Images of each split that are decoded. */
const LOOKED = 6;
const FIXTURES = path.join(ROOT, 'test', 'fixtures', 'imagenet32');

/** Of the fixtures, what is no data set. */
const REFUSED = ['system.pickle', 'fortran.pickle'];

async function readAll(spec: string): Promise<void> {
  const { sources } = await openSplits(spec);
  try {
    for (const source of sources) await inspectSource(source, LOOKED);
  } finally {
    sources.forEach((source) => source.close());
  }
}

const photo = (material: string, name: string, i: number) =>
  readFileSync(path.join(material, 'photos', 'train', name, `${i}.${i % 2 === 0 ? 'png' : 'jpg'}`));

function makeCifar(
  folder: string,
  [files, labels, names]: readonly [readonly string[], number, readonly [string, number]],
): void {
  const bytes = Buffer.from(
    Array.from({ length: 4 * (labels + 3072) }, (_, i) => (i % (labels + 3072) < labels ? 3 : i & 255)),
  );
  for (const file of files) writeFileSync(path.join(folder, file), bytes);
  const [name, count] = names;
  writeFileSync(path.join(folder, name), Array.from({ length: count }, (_, i) => `class ${i}\n`).join(''));
}

async function makeTar(material: string): Promise<Buffer> {
  const pack = tar.pack();
  for (let i = 0; i < 6; i++) {
    const name = ['apple', 'pear'][i % 2];
    pack.entry({ name: `sample-${i}.${i % 2 === 0 ? 'png' : 'jpg'}` }, photo(material, name, i));
    pack.entry({ name: `sample-${i}.cls` }, String(i % 2));
    pack.entry(
      { name: `sample-${i}.json` },
      JSON.stringify({ label: i % 2, 'a long name': 'x'.repeat(120) }),
    );
  }
  pack.finalize();
  const parts: Buffer[] = [];
  for await (const part of pack) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

async function makeParquet(
  folder: string,
  material: string,
  codec: 'SNAPPY' | 'UNCOMPRESSED',
): Promise<void> {
  const { parquetWriteBuffer } = await import('hyparquet-writer');
  const images = Array.from(
    { length: 6 },
    (_, i) => new Uint8Array(photo(material, ['apple', 'pear'][i % 2], i)),
  );
  const file = parquetWriteBuffer({
    codec,
    rowGroupSize: 4,
    columnData: [
      { name: 'image', data: images, type: 'BYTE_ARRAY' },
      { name: 'label', data: images.map((_, i) => i % 2), type: 'INT32' },
    ],
  });
  writeFileSync(path.join(folder, 'images.parquet'), Buffer.from(file));
}

const imagenet32 = (name: string): Reader => ({
  name: `imagenet32 ${name}`,
  weight: 2,
  damaged: /^train_data_batch_1(\.npz)?$/,
  make: (folder) => {
    const extension = name.endsWith('.npz') ? '.npz' : '';
    const files = ['val_data', ...Array.from({ length: 10 }, (_, i) => `train_data_batch_${i + 1}`)];
    for (const file of files) copyFileSync(path.join(FIXTURES, name), path.join(folder, file + extension));
  },
  read: (folder) => readAll(`imagenet32:${folder}`),
});

/** `names`: what the folders of the classes are called. */
const copyPhotos = (folder: string, material: string, names = ['apple', 'pear'], test = 'test'): void => {
  for (const split of ['train', 'test'])
    for (const [i, name] of ['apple', 'pear'].entries()) {
      const from = path.join(material, 'photos', split, name);
      const to = path.join(folder, split === 'test' ? test : split, names[i]);
      mkdirSync(to, { recursive: true });
      for (const file of readdirSync(from).slice(0, 3)) cpSync(path.join(from, file), path.join(to, file));
    }
};

export const SOURCES: readonly Reader[] = [
  {
    name: 'folder: names',
    isTree: true,
    weight: 3,
    make: (folder, material) => copyPhotos(folder, material),
    read: (folder) => readAll(`folder:${folder}`),
  },
  {
    name: 'images: names',
    isTree: true,
    weight: 2,
    make: (folder, material) => copyPhotos(folder, material),
    read: (folder) => readAll(`images:${folder}`),
  },
  {
    name: 'imagenet: names',
    isTree: true,
    weight: 2,
    make: (folder, material) => copyPhotos(folder, material, ['n01440764', 'n02102040'], 'val'),
    read: (folder) => readAll(`imagenet:${folder}`),
  },
  {
    name: 'folder: files',
    make: (folder, material) => copyPhotos(folder, material),
    read: (folder) => readAll(`folder:${folder}`),
  },
  {
    name: 'cifar10',
    make: (folder) =>
      makeCifar(folder, [
        [...[1, 2, 3, 4, 5].map((i) => `data_batch_${i}.bin`), 'test_batch.bin'],
        1,
        ['batches.meta.txt', 10],
      ]),
    read: (folder) => readAll(`cifar10:${folder}`),
  },
  {
    name: 'cifar100',
    make: (folder) => makeCifar(folder, [['train.bin', 'test.bin'], 2, ['fine_label_names.txt', 100]]),
    read: (folder) => readAll(`cifar100:${folder}`),
  },
  ...readdirSync(FIXTURES)
    .filter((name) => /\.(pickle|npz)$/.test(name) && !REFUSED.includes(name))
    .map(imagenet32),
  {
    name: 'webdataset',
    weight: 5,
    make: async (folder, material) => writeFileSync(path.join(folder, 'a.tar'), await makeTar(material)),
    read: (folder) => readAll(`webdataset:${path.join(folder, 'a.tar')}`),
  },
  {
    name: 'webdataset .tar.gz',
    make: async (folder, material) =>
      writeFileSync(path.join(folder, 'a.tar.gz'), gzipSync(await makeTar(material))),
    read: (folder) => readAll(`webdataset:${path.join(folder, 'a.tar.gz')}`),
  },
  ...(['SNAPPY', 'UNCOMPRESSED'] as const).map((codec): Reader => ({
    name: `parquet ${codec.toLowerCase()}`,
    weight: 5,
    make: (folder, material) => makeParquet(folder, material, codec),
    read: (folder) => readAll(`parquet:${path.join(folder, 'images.parquet')}`),
  })),
  {
    name: 'packed',
    weight: 3,
    make: async (folder, material) => {
      await packSource({
        spec: `folder:${path.join(material, 'photos')}`,
        file: path.join(folder, 'photos.pack'),
        size: 8,
      });
    },
    read: (folder) => readAll(`packed:${path.join(folder, 'photos.pack')}`),
  },
];
