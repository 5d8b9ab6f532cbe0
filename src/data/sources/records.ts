/** Pixel sources whose images are records of equal size in a few files; an image is read when it is asked for. */
import { closeSync, openSync } from 'node:fs';
import path from 'node:path';
import { fileError, readFully } from '../../base/files';
import { UserError } from '../../base/errors';
import { pixelsOf } from '../../tensors/pixels';
import type { PixelSource } from './source';

/** One file's records, or where it had to be unpacked, the bytes themselves. */
export interface RecordFile {
  readonly file: string;
  /** of the pixels of its first record */
  readonly offset: number;
  /** bytes from one record's pixels to the next one's */
  readonly stride: number;
  /** one for each record; null: unlabelled */
  readonly labels: ArrayLike<number> | null;
  readonly count: number;
  /** what `offset` counts in; undefined: the file */
  readonly bytes?: Uint8Array;
}

type Shape = Pick<
  PixelSource,
  'name' | 'split' | 'classes' | 'width' | 'height' | 'channels' | 'bits' | 'resizable'
>;

/** Index of the last of the ascending `starts` that is not above `value`; -1 where all are. */
export function lastStart(starts: readonly number[], value: number): number {
  let [low, high] = [0, starts.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (starts[middle] <= value) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** Channel-first planes to row, column, channel order. */
function channelsLast(planes: Uint8Array, channels: number): Uint8Array {
  const plane = planes.length / channels;
  const pixels = new Uint8Array(planes.length);
  for (let i = 0, at = 0; i < plane; i++) {
    for (let c = 0; c < channels; c++) pixels[at++] = planes[c * plane + i];
  }
  return pixels;
}

/**
 * The records of `files`, one file after the other. They stay on disk: the system's file cache holds them once for all
 * threads. `planar`: stored channel first, of 8 bits.
 */
export function recordSource(shape: Shape, files: readonly RecordFile[], planar: boolean): PixelSource {
  const { width, height, channels, bits = 8 } = shape;
  const size = (width * height * channels * bits) / 8;
  const opened = files.map((file) => ({ ...file, descriptor: file.bytes ? -1 : openSync(file.file, 'r') }));
  const starts: number[] = [];
  let length = 0;
  for (const { count } of files) {
    starts.push(length);
    length += count;
  }

  const locate = (index: number) => {
    const which = lastStart(starts, index);
    if (which < 0 || index >= length) throw new RangeError(`image ${index} of ${length} in ${shape.name}`);
    return { ...opened[which], record: index - starts[which] };
  };

  return {
    kind: 'pixels',
    ...shape,
    length,
    pixels(index) {
      const { file, descriptor, offset, stride, bytes, record } = locate(index);
      const stored = new Uint8Array(size);
      const at = offset + record * stride;
      if (bytes) stored.set(bytes.subarray(at, at + size));
      else {
        try {
          readFully(descriptor, stored, at);
        } catch (error) {
          if (error instanceof UserError) throw new UserError(`${file} was cut off while it was read`);
          throw fileError('read', file, error);
        }
      }
      return planar ? channelsLast(stored, channels) : pixelsOf(bits, stored);
    },
    label(index) {
      const { labels, record } = locate(index);
      return labels === null ? null : labels[record];
    },
    where(index) {
      const { file, record } = locate(index);
      return `${file}, record ${record}`;
    },
    key(index) {
      const { file, record } = locate(index);
      return `${path.basename(file)}/${record}`;
    },
    storedBytes: () => size,
    close: () => {
      for (const { descriptor } of opened) if (descriptor >= 0) closeSync(descriptor);
    },
  };
}
