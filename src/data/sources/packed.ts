/** One file of decoded images, so that each is decoded once: `selfie data pack` writes it, `packed:FILE` reads it. */
import { createHash } from 'node:crypto';
import { closeSync, openSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { z } from 'zod';
import { replaceFile, writeFully } from '../../base/files';
import { UserError } from '../../base/errors';
import { toBytes } from '../../tensors/dtype';
import { bitsOf, type Pixels } from '../../tensors/pixels';
import { ByteReader } from './byteReader';
import { recordSource } from './records';
import { AbsentSplit, type PixelSource, type Split } from './source';

/**
 * The layout: `MAGIC`; the pixels of every split, uint8 [images, height, width, channels], or
 * uint16 little-endian where `bits` is 16; the labels of every split that
 * has them, int32 little-endian; a JSON index; and at the end the index's length (uint64) and `MAGIC` again, without which
 * the file is cut off.
 */
const MAGIC = Buffer.from('SELFIEPK');
const TAIL = 8 + MAGIC.length;

const splitSchema = z.strictObject({
  split: z.enum(['train', 'test', 'all']),
  length: z.number().int().nonnegative(),
  /** of the first image */
  offset: z.number().int().nonnegative(),
  /** of the first label; null: unlabelled */
  labels: z.number().int().nonnegative().nullable(),
  /** SHA-256 of the pixels; absent in files of older versions */
  sha256: z.string().optional(),
});

const indexSchema = z.strictObject({
  version: z.literal(1),
  /** what it was made from */
  source: z.string(),
  width: z.number().int().positive(),
  height: z.number().int().positive(),
  channels: z.number().int().positive(),
  /** of a value; absent: 8 */
  bits: z.literal(16).optional(),
  resizable: z.boolean(),
  classes: z.array(z.string()).nullable(),
  splits: z.array(splitSchema),
});
type Index = z.infer<typeof indexSchema>;

/** Images that are written in one go. */
const TOGETHER = 64;

export interface PackedSplit {
  readonly split: Split | 'all';
  /** pixels and label of each image, in order */
  readonly images: AsyncIterable<{ readonly pixels: Pixels; readonly label: number | null }>;
}

/** Writes `file`, whole or not at all. Returns the images written for each split. */
export async function writePacked(
  file: string,
  header: Omit<Index, 'version' | 'splits'>,
  splits: readonly PackedSplit[],
): Promise<number[]> {
  const { width, height, channels, classes, bits = 8 } = header;
  const written: Index['splits'] = [];
  await replaceFile(file, async (temporary) => {
    const descriptor = openSync(temporary, 'wx');
    let at = 0;
    const put = (bytes: Uint8Array) => {
      writeFully(descriptor, bytes);
      at += bytes.length;
    };
    try {
      put(MAGIC);
      const labels: number[][] = [];
      for (const { split, images } of splits) {
        const [offset, own]: [number, number[]] = [at, []];
        const hash = createHash('sha256');
        for await (const { pixels, label } of images) {
          if (pixels.length !== width * height * channels || bitsOf(pixels) !== bits)
            throw new Error(`${pixels.length} pixels of ${bitsOf(pixels)} bits`);
          const bytes = toBytes(pixels);
          put(bytes);
          hash.update(bytes);
          own.push(label ?? -1);
          // Pixels that need no decoding never wait for anything, and signals would not be heard.
          if (own.length % TOGETHER === 0) await setImmediate();
        }
        labels.push(own);
        written.push({ split, length: own.length, offset, labels: null, sha256: hash.digest('hex') });
      }
      for (const [i, own] of labels.entries()) {
        // A split without labels, though another has some.
        if (classes === null || own.includes(-1)) continue;
        written[i].labels = at;
        const bytes = Buffer.alloc(4 * own.length);
        own.forEach((label, j) => bytes.writeInt32LE(label, 4 * j));
        put(bytes);
      }
      const index = Buffer.from(JSON.stringify({ version: 1, ...header, splits: written } satisfies Index));
      const tail = Buffer.alloc(8);
      tail.writeBigUInt64LE(BigInt(index.length));
      put(Buffer.concat([index, tail, MAGIC]));
    } finally {
      closeSync(descriptor);
    }
  });
  return written.map(({ length }) => length);
}

function readIndex(reader: ByteReader): Index {
  const { file, size } = reader;
  if (size < MAGIC.length + TAIL || !reader.at(0, MAGIC.length).equals(MAGIC)) {
    throw new UserError(`${file} is not a file of \`selfie data pack\``);
  }
  const tail = reader.at(size - TAIL, TAIL);
  const length = Number(tail.readBigUInt64LE(0));
  if (!tail.subarray(8).equals(MAGIC) || length > size - TAIL) {
    throw new UserError(`${file} is cut off or damaged; pack it again`);
  }
  try {
    return indexSchema.parse(JSON.parse(reader.at(size - TAIL - length, length).toString('utf8')));
  } catch (error) {
    throw new UserError(`${file} has a damaged index; pack it again`, { cause: error });
  }
}

/** Opens a packed file. UserError for a file that is damaged or does not have the split. */
export function openPacked(file: string, split: Split): PixelSource {
  const reader = new ByteReader(file);
  try {
    const { splits, classes, width, height, channels, bits, resizable } = readIndex(reader);
    const found = splits.find((one) => one.split === split) ?? splits.find((one) => one.split === 'all');
    if (found === undefined)
      throw new AbsentSplit(`${file} has no ${split} images; pack it from a source that has`);
    const { offset, length } = found;
    const stride = (width * height * channels * (bits ?? 8)) / 8;
    if (offset + length * stride > reader.size) throw new UserError(`${file} is damaged; pack it again`);
    let labels: Int32Array | null = null;
    if (found.labels !== null && classes !== null) {
      const bytes = reader.at(found.labels, 4 * length);
      labels = Int32Array.from({ length }, (_, i) => bytes.readInt32LE(4 * i));
      const wrong = labels.findIndex((label) => label < 0 || label >= classes.length);
      if (wrong >= 0) throw new UserError(`${file}, record ${wrong}: label ${labels[wrong]}; pack it again`);
    }
    const shape = {
      split: found.split,
      classes: labels && classes,
      width,
      height,
      channels,
      bits,
      resizable,
    };
    const records = { file, offset, stride, labels, count: length };
    return {
      ...recordSource({ name: `packed:${file}`, ...shape }, [records], false),
      digest: found.sha256,
    };
  } finally {
    reader.close();
  }
}
