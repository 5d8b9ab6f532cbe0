/** What a data set is made of: images of each class, sizes, mean and deviation, broken images, and a contact sheet. */
import { maxOf } from '../../base/lists';
import type { BrokenImage } from '../batches/options';
import { UserError } from '../../base/errors';
import { decodeShown, decodeWhole, encodePng } from '../images/decode';
import { Random } from '../../base/random';
import { bitsOf, largestPixel, type PixelBits } from '../../tensors/pixels';
import type { PixelSource, Source } from '../sources/source';
import { type DecodedImage } from '../images/transforms';

export interface SplitInfo {
  readonly split: Source['split'];
  readonly count: number;
  /** images of each class; null: unlabelled */
  readonly perClass: readonly { readonly name: string; readonly count: number }[] | null;
  /** images that were decoded for what follows; the rest was left out by `limit` */
  readonly looked: number;
  readonly broken: readonly BrokenImage[];
  /** [smallest, median, largest] in pixels, each side by itself; null where no image could be decoded */
  readonly width: readonly [number, number, number] | null;
  readonly height: readonly [number, number, number] | null;
  /** of a value, the most that an image has; null as above */
  readonly bits: PixelBits | null;
  /** of values scaled to [0, 1], one a channel; each image counts alike, whatever its size */
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

/** Images decoded side by side. */
const LANES = 4;

/** An image of the source in full, as `decodeWhole` gives it. UserError for one that cannot be decoded. */
export async function readWhole(source: Source, index: number): Promise<DecodedImage> {
  if (source.kind === 'encoded') return decodeWhole(await source.bytes(index), source.where(index));
  return storedImage(source, index);
}

/** An image of a source of pixels. */
export function storedImage(source: PixelSource, index: number): DecodedImage {
  const { width, height, channels } = source;
  return { width, height, channels, pixels: source.pixels(index) };
}

/** Sums of x and x^2 over the pixels of an image, x in [0, 1], divided by their number; one a channel. */
function moments({ channels, pixels }: DecodedImage): { first: number[]; second: number[] } {
  const largest = largestPixel(bitsOf(pixels));
  const histograms = Array.from({ length: channels }, () => new Uint32Array(largest + 1));
  for (let i = 0; i < pixels.length; i += channels) {
    for (let c = 0; c < channels; c++) histograms[c][pixels[i + c]]++;
  }
  const count = pixels.length / channels;
  const sum = (power: number) =>
    histograms.map((counts) => counts.reduce((total, n, x) => total + n * (x / largest) ** power, 0) / count);
  return { first: sum(1), second: sum(2) };
}

const spread = (values: number[]): [number, number, number] | null => {
  const sorted = values.sort((a, b) => a - b);
  return sorted.length === 0 ? null : [sorted[0], sorted[sorted.length >> 1], sorted[sorted.length - 1]];
};

/** Looks at every image, or at `limit` of them drawn at random (seed 0). Broken images are reported, never thrown. */
export async function inspectSource(source: Source, limit = Infinity): Promise<SplitInfo> {
  const { classes, length, split } = source;
  const counts = new Int32Array(classes?.length ?? 0);
  if (classes) for (let i = 0; i < length; i++) counts[source.label(i) ?? 0]++;
  const all = Int32Array.from({ length }, (_, i) => i);
  const indices = limit >= length ? all : new Random(0, 'info').permutation(length).slice(0, limit).sort();

  const broken: BrokenImage[] = [];
  const widths: number[] = [];
  const heights: number[] = [];
  const found: { index: number; bits: PixelBits; first: number[]; second: number[] }[] = [];
  let next = 0;
  const lane = async () => {
    while (next < indices.length) {
      const index = indices[next++];
      try {
        const image = await readWhole(source, index);
        found.push({ index, bits: bitsOf(image.pixels), ...moments(image) });
        widths.push(image.width);
        heights.push(image.height);
      } catch (error) {
        if (!(error instanceof UserError)) throw error;
        broken.push({ index, where: source.where(index), reason: error.message });
      }
    }
  };
  await Promise.all(Array.from({ length: source.kind === 'encoded' ? LANES : 1 }, lane));
  // In the order of the source, whichever was decoded first.
  found.sort((a, b) => a.index - b.index);
  const channels = found[0]?.first.length ?? 0;
  const alike = found.filter(({ first }) => first.length === channels);
  for (const { index, first } of found)
    if (first.length !== channels) {
      const reason = `${source.where(index)} has ${first.length} channels, ${source.where(found[0].index)} has ${channels}`;
      broken.push({ index, where: source.where(index), reason });
    }
  const average = (sums: (one: (typeof found)[number]) => number[]) =>
    Array.from(
      { length: channels },
      (_, c) => alike.reduce((sum, one) => sum + sums(one)[c], 0) / alike.length,
    );
  const mean = average(({ first }) => first);
  return {
    split,
    count: length,
    perClass: classes && classes.map((name, label) => ({ name, count: counts[label] })),
    looked: indices.length,
    broken: broken.sort((a, b) => a.index - b.index),
    width: spread(widths),
    height: spread(heights),
    bits: found.length === 0 ? null : found.some(({ bits }) => bits === 16) ? 16 : 8,
    mean,
    std: average(({ second }) => second).map((square, c) => Math.sqrt(Math.max(0, square - mean[c] ** 2))),
  };
}

const CELL = 64;
const GAP = 2;
const COLUMNS = 12;
const MOST_ROWS = 20;

/**
 * A contact sheet as PNG: a row for each of the first 20 classes that have images with 12 of them, or 20 rows of unlabelled ones, drawn
 * at random (seed 0). A broken image leaves its place empty.
 */
export async function contactSheet(source: Source): Promise<Buffer> {
  const rows = sheetRows(source);
  const columns = maxOf(rows.map((row) => row.length));
  const width = columns * (CELL + GAP) + GAP;
  const height = rows.length * (CELL + GAP) + GAP;
  const pixels = new Uint8Array(3 * width * height).fill(40);
  for (const [r, row] of rows.entries()) {
    for (const [c, index] of row.entries()) {
      let cell: DecodedImage;
      try {
        const image = source.kind === 'encoded' ? await source.bytes(index) : storedImage(source, index);
        cell = await decodeShown(image, source.where(index), CELL);
      } catch (error) {
        if (error instanceof UserError) continue;
        throw error;
      }
      for (let y = 0; y < CELL; y++) {
        const at = (GAP + r * (CELL + GAP) + y) * width + GAP + c * (CELL + GAP);
        pixels.set(cell.pixels.subarray(3 * y * CELL, 3 * (y + 1) * CELL), 3 * at);
      }
    }
  }
  return encodePng({ width, height, channels: 3, pixels });
}

function sheetRows(source: Source): number[][] {
  const order = new Random(0, 'sheet').permutation(source.length);
  if (source.classes === null) {
    const count = Math.ceil(Math.min(MOST_ROWS * COLUMNS, order.length) / COLUMNS);
    return Array.from({ length: count }, (_, r) => [...order.subarray(r * COLUMNS, (r + 1) * COLUMNS)]);
  }
  const rows = source.classes.map((): number[] => []);
  for (const index of order) {
    const row = rows[source.label(index) ?? 0];
    if (row.length < COLUMNS) row.push(index);
  }
  return rows.filter((row) => row.length > 0).slice(0, MOST_ROWS);
}
