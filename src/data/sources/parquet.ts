/** Reader of Parquet files with image bytes, as Hugging Face data sets have them. */
import { statSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { UserError } from '../../base/errors';
import { ParquetThread, type Metadata } from './parquetThread';
import { lastStart } from './records';
import { type LabelNeed, labelsAsNeeded, resolveLabels, trainingClasses, type WrittenLabel } from './labels';
import { findShards, splitShards } from './shards';
import type { EncodedSource, Split } from './source';

/** Bytes of decoded row groups that are kept, where a file has no index of its pages. */
const KEPT = 256 << 20;

/** Rows that a byte of a file may stand for: compressed, equal images of some bytes. */
const MOST_A_BYTE = 1000;

interface RowGroup {
  readonly file: number;
  /** in the file */
  readonly rowStart: number;
  /** in the source */
  readonly start: number;
  readonly rows: number;
  readonly bytes: number;
  /** it says where each page lies, so that a row can be read alone */
  readonly indexed: boolean;
}

interface Columns {
  readonly image: string;
  readonly label: string | null;
  readonly names: readonly string[] | null;
}

const featureSchema = z.object({ _type: z.string().optional(), names: z.array(z.string()).optional() });
const hfSchema = z.object({ info: z.object({ features: z.record(z.string(), z.unknown()) }) });

/** What Hugging Face's `datasets` writes about the columns; empty where it wrote nothing. */
function features(metadata: Metadata): Map<string, z.infer<typeof featureSchema>> {
  const text = metadata.key_value_metadata?.find(({ key }) => key === 'huggingface')?.value;
  if (text === undefined) return new Map();
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return new Map();
  }
  const parsed = hfSchema.safeParse(json);
  return new Map(
    Object.entries(parsed.data?.info.features ?? {}).flatMap(([name, feature]) => {
      const known = featureSchema.safeParse(feature);
      return known.success ? [[name, known.data]] : [];
    }),
  );
}

function chooseColumns(file: string, metadata: Metadata, columns: readonly string[]): Columns {
  const described = features(metadata);
  const ofType = (type: string) => columns.filter((name) => described.get(name)?._type === type);
  const pick = (typed: readonly string[], names: readonly string[]) =>
    names.find((name) => typed.includes(name)) ?? typed.at(0) ?? names.find((name) => columns.includes(name));
  const image = pick(ofType('Image'), ['image', 'img', 'jpg', 'png', 'webp']);
  if (image === undefined) {
    throw new UserError(`${file} has the columns ${columns.join(', ')}, none of them image or img`);
  }
  const label = pick(ofType('ClassLabel'), ['label', 'fine_label', 'labels', 'cls']) ?? null;
  return { image, label, names: (label !== null && described.get(label)?.names) || null };
}

/** The bytes of an image column's value: `struct{bytes, path}` or bytes. */
function imageBytes(value: unknown, where: string): Buffer {
  const bytes: unknown =
    ArrayBuffer.isView(value) || typeof value !== 'object' || value === null || !('bytes' in value)
      ? value
      : value.bytes;
  if (ArrayBuffer.isView(bytes)) return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  throw new UserError(`${where} has no image bytes; files that only name images elsewhere are not read`);
}

/**
 * Opens a Parquet file, all below a folder, or a pattern. Columns are those that Hugging Face's metadata declares, else by
 * name: image or img, and label. Labels are read now. Images are read by page where the file says where its pages lie, else
 * by row group, of which the latest are kept; a shuffled run over such files reads a row group for almost every image.
 * @throws UserError for files without images, with other columns than the first, or that are not Parquet
 */
export async function openParquet(
  spec: string,
  split: Split,
  need: LabelNeed = 'needed',
): Promise<EncodedSource> {
  const thread = new ParquetThread();
  try {
    return await openFiles(thread, spec, split, need);
  } catch (error) {
    thread.close();
    throw error;
  }
}

async function openFiles(
  thread: ParquetThread,
  spec: string,
  split: Split,
  need: LabelNeed,
): Promise<EncodedSource> {
  const shards = splitShards(spec, findShards(spec, ['.parquet']), split);
  const groups: RowGroup[] = [];
  const written: WrittenLabel[] = [];
  let columns: Columns | undefined;
  let length = 0;
  for (const [f, name] of shards.files.entries()) {
    const { metadata, columns: present } = await thread.describe(name);
    const { size } = statSync(name);
    try {
      columns ??= chooseColumns(name, metadata, present);
      const { image, label } = columns;
      if (![image, label].every((column) => column === null || present.includes(column)))
        throw new UserError(`${name} has no column ${image} or ${label}, which ${shards.files[0]} has`);
      let rowStart = 0;
      for (const group of metadata.row_groups) {
        const rows = Number(group.num_rows);
        if (!(rows >= 0 && rows <= MOST_A_BYTE * size))
          throw new UserError(`${name} says that it has ${group.num_rows} rows in a group; it is damaged`);
        const chunks = group.columns.filter(({ meta_data: meta }) => meta?.path_in_schema[0] === image);
        const bytes = chunks.reduce(
          (sum, { meta_data: meta }) => sum + Number(meta?.total_uncompressed_size),
          0,
        );
        const indexed = chunks.every(({ offset_index_offset: at }) => at !== undefined);
        groups.push({ file: f, rowStart, start: length, rows, bytes, indexed });
        rowStart += rows;
        length += rows;
      }
      if (label === null) continue;
      for (const value of await thread.column(name, { column: label, utf8: true }))
        written.push(labelOf(value));
    } catch (error) {
      if (error instanceof UserError) throw error;
      throw new UserError(`${name} cannot be read as Parquet: ${String(error)}`, { cause: error });
    }
  }
  if (columns === undefined || length === 0) throw new UserError(`${spec} has no rows`);
  const { image, names } = columns;
  if (columns.label !== null && written.length !== length)
    throw new UserError(`${spec} has ${written.length} labels for ${length} rows; it is damaged`);

  const starts = groups.map(({ start }) => start);
  const locate = (index: number) => {
    if (index < 0 || index >= length) throw new RangeError(`image ${index} of ${length} in ${spec}`);
    return groups[lastStart(starts, index)];
  };
  const where = (index: number) => {
    const { file, rowStart, start } = locate(index);
    return `${shards.files[file]}, row ${rowStart + index - start}`;
  };
  const read = ({ file }: RowGroup, rowStart: number, rows: number) => {
    const range = { rowStart, rowEnd: rowStart + rows };
    return thread.column(shards.files[file], { column: image, ...range, utf8: false });
  };
  const kept = new Map<RowGroup, Promise<readonly unknown[]>>();
  const whole = (group: RowGroup): Promise<readonly unknown[]> => {
    const rows = kept.get(group) ?? read(group, group.rowStart, group.rows);
    kept.delete(group);
    kept.set(group, rows);
    let bytes = 0;
    for (const other of [...kept.keys()].reverse()) {
      bytes += other.bytes;
      if (bytes > KEPT && other !== group) kept.delete(other);
    }
    return rows;
  };

  const known =
    names ?? (await trainingClasses(shards.split, need, written, () => openParquet(spec, 'train')));
  const isPublished = written.some((label) => label !== null && Number(label) !== -1);
  const { found, notes } = labelsAsNeeded(need, () =>
    isPublished ? resolveLabels(written, where, names, known) : null,
  );
  return {
    kind: 'encoded',
    name: `parquet:${spec}`,
    split: shards.split,
    length,
    classes: found && found.classes,
    notes: [...shards.notes, ...notes],
    async bytes(index) {
      const group = locate(index);
      const row = index - group.start;
      try {
        const [value] = group.indexed
          ? await read(group, group.rowStart + row, 1)
          : (await whole(group)).slice(row, row + 1);
        return imageBytes(value, where(index));
      } catch (error) {
        if (error instanceof UserError) throw error;
        throw new UserError(`${where(index)} cannot be read: ${String(error)}`, { cause: error });
      }
    },
    label: (index) => found && found.labels[index],
    where,
    key: (index) => {
      const { file, rowStart, start } = locate(index);
      return `${path.basename(shards.files[file])}/${rowStart + index - start}`;
    },
    // A row's own size is known only where it is decoded.
    storedBytes: (index) => locate(index).bytes,
    close: () => {
      kept.clear();
      thread.close();
    },
  };
}

/** -1 is Hugging Face's mark of labels that are not published: where all are, there are none. */
function labelOf(value: unknown): WrittenLabel {
  if (value === null || value === undefined) return null;
  return typeof value === 'number' || typeof value === 'bigint' ? Number(value) : shownLabel(value);
}

const shownLabel = (value: unknown): string =>
  typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
