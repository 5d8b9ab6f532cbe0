/** Rows as a Parquet file, one row group at a time. */
import type { RowBlock } from './rowBlocks';

/** What a reader of the file sees first. */
const SCHEMA = [
  { name: 'root', num_children: 4 },
  { name: 'image', type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'REQUIRED' },
  { name: 'split', type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'REQUIRED' },
  { name: 'label', type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'OPTIONAL' },
] as const;

/** The format has no lists of a fixed length: `name` is list<float32>, all of one length. */
const listOf = (name: string) =>
  [
    { name, converted_type: 'LIST', repetition_type: 'REQUIRED', num_children: 1 },
    { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
    { name: 'element', type: 'FLOAT', repetition_type: 'REQUIRED' },
  ] as const;

/**
 * Writes `file` with the columns image, split, label and `column`; each block is a row group. The numbers of a row are added
 * to the metadata as `dimension`.
 */
export async function writeParquet(
  file: string,
  column: string,
  blocks: Iterable<RowBlock>,
  metadata: Readonly<Record<string, string>>,
): Promise<void> {
  // ESM only: `import()` is what CommonJS has for that.
  const { fileWriter, ParquetWriter } = await import('hyparquet-writer');
  const parquet = new ParquetWriter({
    writer: fileWriter(file),
    schema: [...SCHEMA, ...listOf(column)],
  });
  let dimension = 0;
  for (const { images, splits, labels, width, values } of blocks) {
    dimension = width;
    const rows = images.map((_, i) => Array.from(values.subarray(i * width, (i + 1) * width)));
    await parquet.write({
      columnData: [
        { name: 'image', data: images, encoding: 'PLAIN' },
        { name: 'split', data: splits },
        { name: 'label', data: labels },
        // Floats of a network hardly repeat: looking for a dictionary or for bounds takes time for nothing.
        { name: column, data: rows, encoding: 'PLAIN', statistics: false, offsetIndex: false },
      ],
      rowGroupSize: images.length,
    });
  }
  const entries = Object.entries({ ...metadata, dimension: String(dimension) });
  parquet.kvMetadata = entries.map(([key, value]) => ({ key, value }));
  await parquet.finish();
}
