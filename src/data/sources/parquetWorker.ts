/**
 * A thread that reads Parquet files: hyparquet does not hold the lengths of runs and pages against what is there, so that what
 * damaged files ask for has no end, and a thread can be ended.
 */
import { answerCalls } from '../../base/workerCalls';

// Both are ESM only: `import()` is what CommonJS has for that.
const load = async () => ({ ...(await import('hyparquet')), ...(await import('hyparquet-compressors')) });
type Library = Awaited<ReturnType<typeof load>>;
export type Metadata = Awaited<ReturnType<Library['parquetMetadataAsync']>>;
type Opened = {
  readonly file: Awaited<ReturnType<Library['asyncBufferFromFile']>>;
  readonly metadata: Metadata;
};

export interface ParquetRequest {
  readonly file: string;
  /** null: the file's metadata alone */
  readonly read: null | {
    readonly column: string;
    /** default: all */
    readonly rowStart?: number;
    readonly rowEnd?: number;
    /** bytes are text where the schema does not say what they are */
    readonly utf8: boolean;
  };
}
/** The metadata and the names of the columns, or a column's values. */
export type ParquetAnswer =
  { readonly metadata: Metadata; readonly columns: readonly string[] } | readonly unknown[];

let library: Library | undefined;
const opened = new Map<string, Promise<Opened>>();

async function answer({ file: name, read }: ParquetRequest): Promise<ParquetAnswer> {
  const loaded = (library ??= await load());
  const { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects, parquetSchema, compressors } =
    loaded;
  const open = async (): Promise<Opened> => {
    const file = await asyncBufferFromFile(name);
    return { file, metadata: await parquetMetadataAsync(file) };
  };
  if (!opened.has(name)) opened.set(name, open());
  const { file, metadata } = (await opened.get(name)) as Opened;
  if (read === null)
    return { metadata, columns: parquetSchema(metadata).children.map(({ element }) => element.name) };
  const { column, rowStart, rowEnd, utf8 } = read;
  const range = { rowStart, rowEnd, columns: [column], useOffsetIndex: rowStart !== undefined };
  const rows = await parquetReadObjects({ file, metadata, ...range, compressors, utf8 });
  return rows.map((row) => alone(row[column]));
}

/** Bytes without the page that they are a part of, which would be copied with each of them. */
function alone(value: unknown): unknown {
  if (value instanceof Uint8Array) return value.slice();
  if (typeof value !== 'object' || value === null || !('bytes' in value)) return value;
  return { bytes: alone(value.bytes) };
}

answerCalls(answer);
