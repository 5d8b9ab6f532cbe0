/** The rows of all parts in order, with what each is called, in blocks whose size does not depend on the parts'. */
import type { Source } from '../data/sources/source';
import type { Part } from './partial';

/** Consecutive rows of the result. */
export interface RowBlock {
  readonly images: string[];
  readonly splits: string[];
  /** class names; null: unlabelled */
  readonly labels: (string | null)[];
  readonly width: number;
  /** [images.length, width] */
  readonly values: Float32Array;
}

/** Numbers of a block: 8 MiB. */
const BLOCK = 2 ** 21;

export const rowsInBlock = (width: number): number => Math.max(1, Math.floor(BLOCK / width));

/** `name` says how an image of the source is called. */
export function* rowBlocks(
  parts: Iterable<readonly [source: Source, part: Part]>,
  name: (source: Source, index: number) => string,
): Generator<RowBlock> {
  let block: RowBlock | undefined;
  for (const [source, { indices, width, values }] of parts) {
    const full = rowsInBlock(width);
    for (const [row, index] of indices.entries()) {
      block ??= { images: [], splits: [], labels: [], width, values: new Float32Array(full * width) };
      block.values.set(values.subarray(row * width, (row + 1) * width), block.images.length * width);
      block.images.push(name(source, index));
      block.splits.push(source.split);
      const label = source.label(index);
      block.labels.push(label === null ? null : (source.classes?.[label] ?? String(label)));
      if (block.images.length < full) continue;
      yield block;
      block = undefined;
    }
  }
  if (block) yield { ...block, values: block.values.subarray(0, block.images.length * block.width) };
}
