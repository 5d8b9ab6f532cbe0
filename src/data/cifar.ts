/** Reader of CIFAR-10's original binary layout: records of one label byte and 3072 bytes, channel first. */
import { closeSync, openSync, readFileSync, readSync, statSync } from 'node:fs';
import path from 'node:path';
import { UserError } from '../errors';
import type { PixelSource, Split } from './source';

const SIDE = 32;
const PLANE = SIDE * SIDE;
const CHANNELS = 3;
const RECORD = 1 + CHANNELS * PLANE;
const CLASSES = 10;
const NAMES_FILE = 'batches.meta.txt';
const FILES: Readonly<Record<Split, readonly string[]>> = {
  train: [1, 2, 3, 4, 5].map((i) => `data_batch_${i}.bin`),
  test: ['test_batch.bin'],
};

interface RecordFile {
  readonly file: string;
  readonly descriptor: number;
  /** index of its first record in the split */
  readonly first: number;
  /** of every record */
  readonly labels: Uint8Array;
}

function readNames(directory: string): readonly string[] {
  const file = path.join(directory, NAMES_FILE);
  const names = readFileSync(file, 'utf8')
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '');
  if (names.length !== CLASSES) {
    throw new UserError(`${file} names ${names.length} classes, expected ${CLASSES}, one a line`);
  }
  return names;
}

function readLabels(file: string): Uint8Array {
  const { size } = statSync(file);
  if (size === 0 || size % RECORD !== 0) {
    throw new UserError(
      `${file} has ${size} bytes, not a whole number of ${RECORD}-byte records ` +
        `(the original has ${10_000 * RECORD}); it is truncated or not CIFAR-10's binary version`,
    );
  }
  const bytes = readFileSync(file);
  return Uint8Array.from({ length: size / RECORD }, (_, record) => {
    const label = bytes[record * RECORD];
    if (label >= CLASSES) {
      throw new UserError(`${file}, record ${record}: label ${label}, expected 0 to ${CLASSES - 1}`);
    }
    return label;
  });
}

/** Channel-first [3, 32, 32] to row, column, channel order. */
function channelsLast(planes: Uint8Array): Uint8Array {
  const pixels = new Uint8Array(CHANNELS * PLANE);
  for (let i = 0, at = 0; i < PLANE; i++) {
    for (let c = 0; c < CHANNELS; c++) pixels[at++] = planes[c * PLANE + i];
  }
  return pixels;
}

/**
 * Opens `directory` as it comes out of cifar-10-binary.tar.gz. A file may hold any whole number of records. Images stay
 * on disk (the system's file cache holds them once for all threads); labels are read and checked here.
 * @throws UserError naming the file that is missing, cut off or holds a label above 9
 */
export function openCifar10(directory: string, split: Split): PixelSource {
  const names = FILES[split];
  for (const file of [...names, NAMES_FILE].map((name) => path.join(directory, name))) {
    if (!statSync(file, { throwIfNoEntry: false })?.isFile()) {
      throw new UserError(`${file} is not there; cifar10:PATH wants the folder of cifar-10-binary.tar.gz`);
    }
  }
  const classes = readNames(directory);
  const allLabels = names.map((name) => readLabels(path.join(directory, name)));
  const files: RecordFile[] = [];
  let length = 0;
  for (const [i, labels] of allLabels.entries()) {
    const file = path.join(directory, names[i]);
    files.push({ file, descriptor: openSync(file, 'r'), first: length, labels });
    length += labels.length;
  }

  const locate = (index: number): [RecordFile, number] => {
    const found = files.find(({ first, labels }) => index >= first && index < first + labels.length);
    if (found === undefined) {
      throw new RangeError(`image ${index} of ${length} in ${directory}`);
    }
    return [found, index - found.first];
  };
  const planes = new Uint8Array(RECORD - 1);

  return {
    kind: 'pixels',
    name: `cifar10:${directory}`,
    split,
    length,
    classes,
    width: SIDE,
    height: SIDE,
    channels: CHANNELS,
    pixels(index) {
      const [{ file, descriptor }, record] = locate(index);
      const count = readSync(descriptor, planes, 0, planes.length, record * RECORD + 1);
      if (count !== planes.length) throw new UserError(`${file} was cut off while it was read`);
      return channelsLast(planes);
    },
    label(index) {
      const [{ labels }, record] = locate(index);
      return labels[record];
    },
    where(index) {
      const [{ file }, record] = locate(index);
      return `${file}, record ${record}`;
    },
    close: () => {
      for (const { descriptor } of files) closeSync(descriptor);
    },
  };
}
