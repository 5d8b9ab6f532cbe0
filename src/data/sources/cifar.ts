/** Reader of the binary layouts of CIFAR-10 and CIFAR-100: records of label bytes and 3072 bytes, channel first. */
import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { UserError } from '../../base/errors';
import { type RecordFile, recordSource } from './records';
import { AbsentSplit, type PixelSource, type Split } from './source';

const SIDE = 32;
const CHANNELS = 3;
const PIXELS = CHANNELS * SIDE * SIDE;

interface Layout {
  /** what sources of it are called: `cifar10:PATH` */
  readonly kind: string;
  readonly archive: string;
  /** images of each of the published files */
  readonly files: Readonly<Record<Split, readonly (readonly [name: string, images: number])[]>>;
  /** one name a line */
  readonly namesFile: string;
  readonly classes: number;
  /** label bytes before the pixels, and which of them is the label */
  readonly labelBytes: number;
  readonly labelAt: number;
}

const CIFAR10: Layout = {
  kind: 'cifar10',
  archive: 'cifar-10-binary.tar.gz',
  files: {
    train: [1, 2, 3, 4, 5].map((i) => [`data_batch_${i}.bin`, 10_000]),
    test: [['test_batch.bin', 10_000]],
  },
  namesFile: 'batches.meta.txt',
  classes: 10,
  labelBytes: 1,
  labelAt: 0,
};

const CIFAR100: Layout = {
  kind: 'cifar100',
  archive: 'cifar-100-binary.tar.gz',
  files: { train: [['train.bin', 50_000]], test: [['test.bin', 10_000]] },
  namesFile: 'fine_label_names.txt',
  classes: 100,
  labelBytes: 2,
  labelAt: 1,
};

const CIFAR100_COARSE: Layout = {
  ...CIFAR100,
  kind: 'cifar100-coarse',
  namesFile: 'coarse_label_names.txt',
  classes: 20,
  labelAt: 0,
};

function readNames(file: string, classes: number): readonly string[] {
  const names = readFileSync(file, 'utf8')
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '');
  if (names.length !== classes) {
    throw new UserError(`${file} names ${names.length} classes, expected ${classes}, one a line`);
  }
  return names;
}

function readRecords(file: string, images: number, layout: Layout): RecordFile {
  const { kind, classes, labelBytes, labelAt } = layout;
  const stride = labelBytes + PIXELS;
  const { size } = statSync(file);
  if (size === 0 || size % stride !== 0) {
    throw new UserError(
      `${file} has ${size} bytes, not a whole number of ${stride}-byte records ` +
        `(the original has ${images * stride}); it is truncated or not the binary version that ${kind}:PATH wants`,
    );
  }
  const bytes = readFileSync(file);
  const labels = Uint8Array.from({ length: size / stride }, (_, record) => {
    const label = bytes[record * stride + labelAt];
    if (label >= classes) {
      throw new UserError(`${file}, record ${record}: label ${label}, expected 0 to ${classes - 1}`);
    }
    return label;
  });
  return { file, offset: labelBytes, stride, labels, count: labels.length };
}

/**
 * Opens `directory` as it comes out of the published archive. A file may hold any whole number of records. Images stay on
 * disk; labels are read and checked here.
 * @throws UserError naming the file that is missing, cut off or holds a label out of range
 */
function openCifar(layout: Layout, directory: string, split: Split): PixelSource {
  const { kind, archive, namesFile } = layout;
  const names = layout.files[split];
  const isThere = (name: string) => statSync(path.join(directory, name), { throwIfNoEntry: false })?.isFile();
  const other = layout.files[split === 'train' ? 'test' : 'train'];
  if (!names.some(([name]) => isThere(name)) && other.some(([name]) => isThere(name)))
    throw new AbsentSplit(`${directory} has none of ${names.map(([name]) => name).join(', ')}`);
  for (const file of [...names.map(([name]) => name), namesFile].map((name) => path.join(directory, name))) {
    if (!statSync(file, { throwIfNoEntry: false })?.isFile()) {
      throw new UserError(`${file} is not there; ${kind}:PATH wants the folder of ${archive}`);
    }
  }
  const classes = readNames(path.join(directory, namesFile), layout.classes);
  const files = names.map(([name, images]) => readRecords(path.join(directory, name), images, layout));
  const shape = { split, classes, width: SIDE, height: SIDE, channels: CHANNELS };
  return recordSource({ name: `${kind}:${directory}`, ...shape }, files, true);
}

/** CIFAR-10. */
export const openCifar10 = (directory: string, split: Split) => openCifar(CIFAR10, directory, split);

/** CIFAR-100 with its 100 fine classes. */
export const openCifar100 = (directory: string, split: Split) => openCifar(CIFAR100, directory, split);

/** CIFAR-100 with its 20 coarse classes. */
export const openCifar100Coarse = (directory: string, split: Split) =>
  openCifar(CIFAR100_COARSE, directory, split);
