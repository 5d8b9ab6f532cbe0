/**
 * Writes and reads Parquet outside of jest, which cannot import ES modules: `parquetChild.js FOLDER` writes the files below and
 * prints what the reader makes of them as JSON.
 */
import path from 'node:path';
import { openSource } from '../../../src/data/sources/readers';
import { jpeg } from '../samples';

/** What Hugging Face's `datasets` writes for an image and a class. */
const HUGGING_FACE = {
  info: { features: { picture: { _type: 'Image' }, kind: { _type: 'ClassLabel', names: ['cat', 'dog'] } } },
};

async function main(folder: string): Promise<void> {
  const { parquetWriteFile } = await import('hyparquet-writer');
  const images = await Promise.all([0, 1, 2, 3, 4, 5, 6, 7].map((i) => jpeg(40 + i, 36, 30 * i)));
  const structs = images.map((bytes, i) => ({ bytes: new Uint8Array(bytes), path: `${i}.jpg` }));
  for (const [name, offsetIndex] of [
    ['indexed', true],
    ['plain', false],
  ] as const) {
    for (const [split, part] of [
      ['train', structs],
      ['test', structs.slice(0, 2)],
    ] as const) {
      parquetWriteFile({
        filename: path.join(folder, `${name}-${split}-00000-of-00001.parquet`),
        rowGroupSize: 3,
        kvMetadata: [{ key: 'huggingface', value: JSON.stringify(HUGGING_FACE) }],
        schema: [
          { name: 'root', num_children: 2 },
          { name: 'picture', num_children: 2, repetition_type: 'OPTIONAL' },
          { name: 'bytes', type: 'BYTE_ARRAY', repetition_type: 'OPTIONAL' },
          { name: 'path', type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'OPTIONAL' },
          { name: 'kind', type: 'INT64', repetition_type: 'OPTIONAL' },
        ],
        columnData: [
          { name: 'picture', data: [...part], offsetIndex },
          { name: 'kind', data: part.map((_, i) => BigInt(i % 2)), offsetIndex },
        ],
      });
    }
  }
  parquetWriteFile({
    filename: path.join(folder, 'bytes.parquet'),
    columnData: [
      { name: 'image', data: images.map((bytes) => new Uint8Array(bytes)), type: 'BYTE_ARRAY' },
      { name: 'label', data: images.map((_, i) => i % 4), type: 'INT32' },
    ],
  });
  parquetWriteFile({
    filename: path.join(folder, 'words.parquet'),
    columnData: [{ name: 'text', data: ['a'], type: 'STRING' }],
  });
  const found: Record<string, unknown> = {};
  for (const name of ['indexed-*', 'plain-*', 'bytes', 'words']) {
    try {
      const source = await openSource(`parquet:${path.join(folder, `${name}.parquet`)}`, 'train');
      if (source.kind !== 'encoded') throw new Error('expected encoded images');
      const same = await Promise.all(images.map(async (image, i) => image.equals(await source.bytes(i))));
      const labels = images.map((_, i) => source.label(i));
      found[name] = { split: source.split, classes: source.classes, same, labels, where: source.where(4) };
      source.close();
    } catch (error) {
      found[name] = String(error);
    }
  }
  process.stdout.write(JSON.stringify(found));
}

void main(process.argv[2]);
