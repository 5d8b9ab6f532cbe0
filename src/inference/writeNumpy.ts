/** Rows as a `.npy` file, and what each row is as a CSV file. */
import { closeSync, openSync } from 'node:fs';
import { writeFully } from '../base/files';
import { toBytes } from '../tensors/dtype';
import type { RowBlock } from './rowBlocks';

/** Bytes before the elements: a multiple of 64, with room for any size. */
const HEADER = 128;

/** The header of version 1.0 of the format: float32 [rows, width], C order. */
export function npyHeader(rows: number, width: number): Buffer {
  const text = `{'descr': '<f4', 'fortran_order': False, 'shape': (${rows}, ${width}), }`;
  const header = Buffer.alloc(HEADER, ' ', 'latin1');
  header.write('\x93NUMPY\x01\x00', 0, 'latin1');
  header.writeUInt16LE(HEADER - 10, 8);
  header.write(text, 10, 'latin1');
  header.write('\n', HEADER - 1, 'latin1');
  return header;
}

/** One line of RFC 4180; null is an empty cell, an empty text is quoted. */
export const csvLine = (cells: readonly (string | number | null)[]): string =>
  `${cells.map((cell) => (cell === null ? '' : quoted(String(cell)))).join(',')}\r\n`;

const quoted = (text: string) =>
  text === '' || /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;

/** Writes both files; how many rows there are is known at the end, where the header is written again. */
export function writeNumpy(file: string, csv: string, blocks: Iterable<RowBlock>): void {
  const [array, table] = [openSync(file, 'w'), openSync(csv, 'w')];
  let [rows, dimension] = [0, 0];
  try {
    writeFully(array, npyHeader(rows, dimension));
    writeFully(table, Buffer.from(csvLine(['index', 'image', 'split', 'label'])));
    for (const { images, splits, labels, width, values } of blocks) {
      writeFully(array, toBytes(values));
      const lines = images.map((image, i) => csvLine([rows + i, image, splits[i], labels[i]]));
      writeFully(table, Buffer.from(lines.join('')));
      rows += images.length;
      dimension = width;
    }
    writeFully(array, npyHeader(rows, dimension), 0);
  } finally {
    closeSync(array);
    closeSync(table);
  }
}
