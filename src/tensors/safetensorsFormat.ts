/** The safetensors format: bytes to named tensors and a map of strings, and back; byte for byte as the official library. */
import { z } from 'zod';

import { UserError, oneLine } from '../base/errors';
import { allocate, DTYPES, toBytes } from './dtype';
import { type DType, type HostTensor, type TypedArray, sizeOf } from './dtype';

const utf8 = new TextEncoder();

/** The format's names in the order of the library's layout: wider elements first, so that each is aligned. */
const NAMES: Readonly<Record<DType, string>> = {
  uint64: 'U64',
  int64: 'I64',
  float64: 'F64',
  float32: 'F32',
  uint32: 'U32',
  int32: 'I32',
  float16: 'F16',
  uint16: 'U16',
  int8: 'I8',
  uint8: 'U8',
  bool: 'BOOL',
};
const ORDER = Object.keys(NAMES) as DType[];
const BY_NAME = new Map(ORDER.map((dtype) => [NAMES[dtype], dtype]));

/** bfloat16 has no DType: it is read as the float32 of the same value. */
const BFLOAT16 = 'BF16';
const METADATA = '__metadata__';
/** The library's own limit. */
const LARGEST_HEADER = 100_000_000;

/**
 * The pieces of a safetensors file, in order; views of the tensors' data, not copies. The same tensors and metadata,
 * in whatever order, give the same bytes. RangeError for a name given twice and for data that do not fill the shape.
 */
export function* encodeSafetensors(
  tensors: Iterable<readonly [string, HostTensor]>,
  metadata: Readonly<Record<string, string>> = {},
): Generator<Uint8Array> {
  const sorted = [...tensors].sort(
    ([aName, a], [bName, b]) => ORDER.indexOf(a.dtype) - ORDER.indexOf(b.dtype) || compareUtf8(aName, bName),
  );
  const seen = new Set([METADATA]);
  // Pieced together as text: an object would move keys such as "0" to the front.
  const entries = Object.keys(metadata).length === 0 ? [] : [`"${METADATA}":${sortedJson(metadata)}`];
  let end = 0;
  for (const [name, { dtype, shape, data }] of sorted) {
    if (seen.has(name)) throw new RangeError(`safetensors: the name "${name}" is taken`);
    if (data.byteLength !== sizeOf(shape) * DTYPES[dtype].bytes) {
      throw new RangeError(
        `safetensors: "${name}": ${data.length} elements for ${dtype}[${shape.join(', ')}]`,
      );
    }
    seen.add(name);
    const entry = { dtype: NAMES[dtype], shape, data_offsets: [end, end + data.byteLength] };
    entries.push(`${JSON.stringify(name)}:${JSON.stringify(entry)}`);
    end += data.byteLength;
  }
  const header = utf8.encode(`{${entries.join(',')}}`);
  const padded = new Uint8Array(8 + Math.ceil(header.length / 8) * 8).fill(' '.charCodeAt(0));
  new DataView(padded.buffer).setBigUint64(0, BigInt(padded.length - 8), true);
  padded.set(header, 8);
  yield padded;
  for (const [, { data }] of sorted) yield toBytes(data);
}

/** What a safetensors file holds; the tensors in the file's order. */
export interface Safetensors {
  readonly tensors: Map<string, HostTensor>;
  readonly metadata: Record<string, string>;
}

/** Fills `bytes` with what the file has from `position` on. */
export type Fill = (bytes: Uint8Array, position: number) => void;

/**
 * Reads a file of `size` bytes through `fill`; each tensor owns its data. BF16 becomes float32. UserError that names `file`
 * where it is cut short, or not exactly what the format asks for.
 */
export function parseSafetensors(file: string, size: number, fill: Fill): Safetensors {
  const { start, entries, metadata } = parseHeader(file, size, fill);
  const tensors = new Map<string, HostTensor>();
  for (const entry of entries) tensors.set(entry.name, parseTensor(start + entry.begin, entry, fill));
  return { tensors, metadata };
}

/** As `parseSafetensors`, of bytes in memory. */
export const decodeSafetensors = (file: string, bytes: Uint8Array): Safetensors =>
  parseSafetensors(file, bytes.length, (out, position) => {
    out.set(bytes.subarray(position, position + out.length));
  });

interface Entry {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

const size = z.number().int().nonnegative();
const entrySchema = z.strictObject({
  dtype: z.string(),
  shape: z.array(size),
  data_offsets: z.tuple([size, size]),
});

function parseHeader(file: string, fileSize: number, fill: Fill) {
  if (fileSize < 8) throw broken(file, `it has ${fileSize} bytes, less than the header's length takes`);
  const prefix = new Uint8Array(8);
  fill(prefix, 0);
  const length = new DataView(prefix.buffer).getBigUint64(0, true);
  if (length > BigInt(Math.min(LARGEST_HEADER, fileSize - 8))) {
    throw broken(file, `its header is said to take ${length} bytes of ${fileSize}`);
  }
  const bytes = new Uint8Array(Number(length));
  fill(bytes, 8);
  const header = parseObject(bytes, file);
  const entries = Object.entries(header)
    .filter(([name]) => name !== METADATA)
    .map(([name, value]) => parseEntry(name, value, file))
    .sort((a, b) => a.begin - b.begin || a.end - b.end);
  const start = 8 + bytes.length;
  checkLayout(entries, fileSize - start, file);
  return { start, entries, metadata: parseMetadata(header[METADATA], file) };
}

function parseObject(bytes: Uint8Array, file: string): Record<string, unknown> {
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch (error) {
    throw broken(file, 'its header is not JSON', error);
  }
  if (bytes[0] !== '{'.charCodeAt(0)) throw broken(file, 'its header is not a JSON object at its first byte');
  return header as Record<string, unknown>;
}

function parseMetadata(value: unknown, file: string): Record<string, string> {
  if (value === undefined) return {};
  if (!isTextRecord(value)) throw broken(file, `its ${METADATA} is not an object of strings`);
  return value;
}

function isTextRecord(value: unknown): value is Record<string, string> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return Object.values(value).every((text) => typeof text === 'string');
}

function parseEntry(name: string, value: unknown, file: string): Entry {
  const parsed = entrySchema.safeParse(value);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw broken(file, `tensor "${name}": ${issue.path.join('.')}: ${issue.message}`);
  }
  const { dtype, shape, data_offsets: offsets } = parsed.data;
  const known = BY_NAME.get(dtype);
  if (!known && dtype !== BFLOAT16) {
    throw new UserError(oneLine(`${file}: tensor "${name}" has the dtype ${dtype}, which is not supported`));
  }
  const [begin, end] = offsets;
  const bytes = sizeOf(shape) * (known ? DTYPES[known].bytes : 2);
  if (end - begin !== bytes) {
    throw broken(file, `tensor "${name}" has ${end - begin} bytes for ${dtype}[${shape.join(', ')}]`);
  }
  return { name, dtype, shape, begin, end };
}

/** The tensors must fill the rest of the file: no gap, no overlap, nothing left over. */
function checkLayout(entries: readonly Entry[], bytes: number, file: string): void {
  let end = 0;
  for (const entry of entries) {
    if (entry.begin !== end)
      throw broken(file, `tensor "${entry.name}" starts at ${entry.begin}, not at ${end}`);
    end = entry.end;
  }
  if (end !== bytes) throw broken(file, `its tensors take ${end} bytes, and ${bytes} are there`);
}

function parseTensor(position: number, { dtype: name, shape }: Entry, fill: Fill): HostTensor {
  const dtype = BY_NAME.get(name);
  const data = dtype ? allocate(dtype, sizeOf(shape)) : new Uint16Array(sizeOf(shape));
  fill(toBytes(data), position);
  return dtype ? { dtype, shape, data } : { dtype: 'float32', shape, data: widenBfloat16(data) };
}

/** A bfloat16 is the upper half of the float32 of the same value. */
function widenBfloat16(halves: TypedArray): Float32Array {
  const words = Uint32Array.from(halves as Uint16Array, (half) => half << 16);
  return new Float32Array(words.buffer);
}

function sortedJson(record: Readonly<Record<string, string>>): string {
  const keys = Object.keys(record).sort(compareUtf8);
  return `{${keys.map((key) => `${JSON.stringify(key)}:${JSON.stringify(record[key])}`).join(',')}}`;
}

function broken(file: string, what: string, cause?: unknown): UserError {
  return new UserError(oneLine(`${file} is not a valid safetensors file: ${what}`), { cause });
}

/** The order of the UTF-8 bytes, which is not that of UTF-16 code units. */
function compareUtf8(a: string, b: string): number {
  const [x, y] = [utf8.encode(a), utf8.encode(b)];
  const at = x.findIndex((byte, i) => byte !== y[i]);
  return at < 0 ? x.length - y.length : x[at] - (y[at] ?? -1);
}
