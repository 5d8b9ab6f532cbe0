/**
 * Reader of ImageNet 32x32 as published (Chrabaszcz et al., "A Downsampled Variant of ImageNet", 2017): Python pickles or
 * `.npz`, rows of 3072 uint8 channel first, labels counted from 1.
 */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { UserError } from '../../base/errors';
import { ByteReader } from './byteReader';
import { elementBytes, type NumpyArray, readIntegers, readNpz } from './python/numpyArray';
import { readPickle } from './python/pickle';
import { arrayOf, PickleDict } from './python/pickleValues';
import { type RecordFile, recordSource } from './records';
import { AbsentSplit, type PixelSource, type Split } from './source';

const SIDE = 32;
const ROW = 3 * SIDE * SIDE;
const CLASSES = 1000;
/** `n02119789 1 kit_fox`: folder, label and name of each class; comes with the data set's scripts */
const MAP_FILE = 'map_clsloc.txt';
const FILES: Readonly<Record<Split, readonly string[]>> = {
  train: Array.from({ length: 10 }, (_, i) => `train_data_batch_${i + 1}`),
  test: ['val_data'],
};
/** Where the archives put their files when each is unpacked into a folder of its name. */
const FOLDERS = ['.', 'Imagenet32_train', 'Imagenet32_val', 'Imagenet32_train_npz', 'Imagenet32_val_npz'];

/** Class names by label, from the published map where it lies beside the data, else the numbers of the labels. */
function readClasses(directory: string): readonly string[] {
  const file = path.join(directory, MAP_FILE);
  if (!existsSync(file)) return Array.from({ length: CLASSES }, (_, i) => String(i + 1));
  const names: string[] = [];
  for (const line of readFileSync(file, 'utf8').split(/\r?\n/)) {
    if (line.trim() === '') continue;
    const [, wnid, label, name] = /^(\S+)\s+(\d+)(?:\s+(\S.*))?$/.exec(line.trim()) ?? [];
    if (wnid === undefined || Number(label) !== names.length + 1) {
      throw new UserError(
        `${file}: '${line}' is not line ${names.length + 1} of folder, label from 1 on and name`,
      );
    }
    names.push(name ?? wnid);
  }
  return names;
}

/** `data` and `labels` of one file. */
function readArrays(reader: ByteReader): { data: NumpyArray | undefined; labels: NumpyArray | number[] } {
  const { file } = reader;
  if (file.endsWith('.npz')) {
    const arrays = readNpz(reader, ['data', 'labels']);
    return { data: arrays.get('data'), labels: arrays.get('labels') ?? [] };
  }
  const content = readPickle(reader);
  if (!(content instanceof PickleDict)) throw new UserError(`${file} holds no dict with data and labels`);
  const labels = content.items.get('labels');
  const listed = Array.isArray(labels) ? (labels as readonly unknown[]) : [];
  const numbers = listed.filter((label) => typeof label === 'number');
  return { data: arrayOf(content.items.get('data')), labels: arrayOf(labels) ?? numbers };
}

function readBatch(file: string, classes: number): RecordFile {
  const reader = new ByteReader(file);
  try {
    const { data, labels } = readArrays(reader);
    if (data === undefined) throw new UserError(`${file} has no array 'data'`);
    const { dtype, shape, fortran } = data;
    const [count, row] = shape;
    if (!/^[|<>=]u1$/.test(dtype) || shape.length !== 2 || row !== ROW || fortran) {
      throw new UserError(
        `${file}: data is ${dtype} [${shape.join(', ')}], expected uint8 [images, ${ROW}], one image a row`,
      );
    }
    if (data.data.length !== elementBytes(data)) {
      throw new UserError(`${file}: data has ${data.data.length} bytes, expected ${elementBytes(data)}`);
    }
    const counted = Array.isArray(labels) ? labels : readIntegers(reader, labels, `${file}, labels`);
    if (counted.length !== count) {
      throw new UserError(`${file} has ${counted.length} labels for ${count} images`);
    }
    const fromZero = Int32Array.from(counted, (label, record) => {
      if (label >= 1 && label <= classes) return label - 1;
      throw new UserError(`${file}, record ${record}: label ${label}, expected 1 to ${classes}`);
    });
    const stored =
      'bytes' in data.data ? { offset: 0, bytes: data.data.bytes } : { offset: data.data.offset };
    return { file, ...stored, stride: ROW, labels: fromZero, count };
  } finally {
    reader.close();
  }
}

/**
 * Opens a folder with `train_data_batch_1` to `_10` and `val_data`, as pickles or `.npz`. Pixels stay on disk where the
 * file holds them as they are; a pickle of protocol 2 or a deflated `.npz` is unpacked into memory.
 * @throws UserError for a file that is missing, damaged, or holds anything but such data; no pickle is executed
 */
export function openImagenet32(directory: string, split: Split): PixelSource {
  const classes = readClasses(directory);
  const find = (name: string) =>
    FOLDERS.flatMap((folder) => [name, `${name}.npz`].map((n) => path.join(directory, folder, n))).find(
      (place) => existsSync(place),
    );
  const isThere = (which: Split) => FILES[which].some((name) => find(name) !== undefined);
  if (!isThere(split) && isThere(split === 'train' ? 'test' : 'train'))
    throw new AbsentSplit(`${directory} has none of its ${split} files, ${FILES[split].join(', ')}`);
  const files = FILES[split].map((name) => {
    const file = find(name);
    if (file !== undefined) return file;
    throw new UserError(
      `${path.join(directory, name)} is not there, nor with .npz; ` +
        `imagenet32:PATH wants the folder of ${FILES.train[0]} to ${FILES.train[9]} and ${FILES.test[0]}`,
    );
  });
  const records = files.map((file) => readBatch(file, classes.length));
  const shape = { split, classes, width: SIDE, height: SIDE, channels: 3 };
  return recordSource({ name: `imagenet32:${directory}`, ...shape }, records, true);
}
