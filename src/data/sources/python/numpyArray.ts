/** Arrays of NumPy in files: what they are and where their bytes lie; the `.npy` header and `.npz` archives. */
import { inflateRawSync } from 'node:zlib';
import { UserError } from '../../../base/errors';
import type { ByteReader } from '../byteReader';

export interface NumpyArray {
  /** as `numpy.dtype.str` has it: `|u1`, `<i8` */
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly fortran: boolean;
  readonly data: StoredBytes;
}

/** Bytes that lie in the file as they are (`offset`), or had to be unpacked (`bytes`). */
export type StoredBytes =
  | { readonly offset: number; readonly length: number }
  | { readonly bytes: Uint8Array; readonly length: number };

/** The elements of an array of integers. UserError (`what` names it) for another type. */
export function readIntegers(reader: ByteReader, { dtype, data }: NumpyArray, what: string): number[] {
  const bytes = 'bytes' in data ? Buffer.from(data.bytes) : reader.at(data.offset, data.length);
  const [, order, kind, width] = /^([|<>=])([iu])([1248])$/.exec(dtype) ?? [];
  if (kind === undefined) throw new UserError(`${what} has type ${dtype}, expected integers`);
  const size = Number(width);
  const little = order !== '>';
  return Array.from({ length: bytes.length / size }, (_, i) => {
    const at = i * size;
    if (size === 8) {
      const wide = little ? bytes.readBigInt64LE(at) : bytes.readBigInt64BE(at);
      return Number(wide);
    }
    if (kind === 'i') return little ? bytes.readIntLE(at, size) : bytes.readIntBE(at, size);
    return little ? bytes.readUIntLE(at, size) : bytes.readUIntBE(at, size);
  });
}

const NPY_MAGIC = '\x93NUMPY';

/** The header of a `.npy` file: `bytes` are its beginning; `start` is where the elements begin. */
export function parseNpyHeader(bytes: Buffer, what: string): Omit<NumpyArray, 'data'> & { start: number } {
  const version = bytes[6];
  const lead = version === 1 ? 10 : 12;
  if (bytes.length < 12 || bytes.toString('latin1', 0, 6) !== NPY_MAGIC || version < 1 || version > 3) {
    throw new UserError(`${what} is not an array of NumPy (.npy, version 1 to 3)`);
  }
  const start = lead + (version === 1 ? bytes.readUInt16LE(8) : bytes.readUInt32LE(8));
  const header = bytes.toString('latin1', lead, start);
  const dtype = /'descr': *'([^']+)'/.exec(header)?.[1];
  const fortran = /'fortran_order': *(True|False)/.exec(header)?.[1];
  const shape = /'shape': *\(([\d, ]*)\)/.exec(header)?.[1];
  if (dtype === undefined || fortran === undefined || shape === undefined || start > bytes.length) {
    throw new UserError(`${what} has a damaged header`);
  }
  const sizes = shape.split(',').filter((size) => size.trim() !== '');
  return { dtype, fortran: fortran === 'True', shape: sizes.map(Number), start };
}

interface ZipEntry {
  readonly name: string;
  readonly method: number;
  readonly packed: number;
  readonly size: number;
  readonly header: number;
}

/** The entries of a zip archive, by its central directory (PKWARE's APPNOTE, 4.3.12 and 4.3.16); no ZIP64. */
function zipEntries(reader: ByteReader): ZipEntry[] {
  const { file, size } = reader;
  const tail = reader.at(Math.max(0, size - 65_557), Math.min(size, 65_557));
  const end = tail.lastIndexOf('PK\x05\x06', undefined, 'latin1');
  if (end < 0 || end + 22 > tail.length) {
    throw new UserError(`${file} has no directory of a zip archive at its end; it is cut off or not .npz`);
  }
  const count = tail.readUInt16LE(end + 10);
  const length = tail.readUInt32LE(end + 12);
  const offset = tail.readUInt32LE(end + 16);
  if (offset === 0xffffffff) throw new UserError(`${file} is a ZIP64 archive above 4 GiB, which is not read`);
  const directory = reader.at(offset, length);
  const entries: ZipEntry[] = [];
  for (let i = 0, at = 0; i < count; i++) {
    if (at + 46 > length || directory.readUInt32LE(at) !== 0x02014b50) {
      throw new UserError(`${file} has a damaged zip directory (entry ${i} of ${count})`);
    }
    const nameLength = directory.readUInt16LE(at + 28);
    entries.push({
      name: directory.toString('utf8', at + 46, at + 46 + nameLength),
      method: directory.readUInt16LE(at + 10),
      packed: directory.readUInt32LE(at + 20),
      size: directory.readUInt32LE(at + 24),
      header: directory.readUInt32LE(at + 42),
    });
    at += 46 + nameLength + directory.readUInt16LE(at + 30) + directory.readUInt16LE(at + 32);
  }
  return entries;
}

/** The arrays of a `.npz` file by name. Stored ones stay in the file, deflated ones are unpacked. */
export function readNpz(reader: ByteReader, wanted: readonly string[]): Map<string, NumpyArray> {
  const arrays = new Map<string, NumpyArray>();
  for (const { name, method, packed, size, header } of zipEntries(reader)) {
    const key = name.replace(/\.npy$/, '');
    if (!wanted.includes(key)) continue;
    const what = `${reader.file}, ${name}`;
    const local = reader.at(header, 30);
    if (local.readUInt32LE(0) !== 0x04034b50) throw new UserError(`${what}: damaged zip entry`);
    const offset = header + 30 + local.readUInt16LE(26) + local.readUInt16LE(28);
    if (method !== 0 && method !== 8)
      throw new UserError(`${what} is packed by method ${method}, not deflate`);
    const bytes = method === 0 ? undefined : inflate(reader.at(offset, packed), size, what);
    const head = bytes?.subarray(0, 4096) ?? reader.at(offset, Math.min(4096, size));
    const { start, ...array } = parseNpyHeader(head, what);
    const length = size - start;
    if (length !== elementBytes(array)) {
      throw new UserError(`${what} has ${length} bytes, its header says ${elementBytes(array)}`);
    }
    const data = bytes ? { bytes: bytes.subarray(start), length } : { offset: offset + start, length };
    arrays.set(key, { ...array, data });
  }
  return arrays;
}

function inflate(packed: Buffer, size: number, what: string): Buffer {
  try {
    const bytes = inflateRawSync(packed, { maxOutputLength: Math.max(1, size) });
    if (bytes.length === size) return bytes;
  } catch (error) {
    throw new UserError(`${what} cannot be unpacked: ${String(error)}`);
  }
  throw new UserError(`${what} is cut off`);
}

/** Bytes that the elements take by type and shape. */
export function elementBytes({ dtype, shape }: Pick<NumpyArray, 'dtype' | 'shape'>): number {
  return shape.reduce((product, size) => product * size, Number(/\d+$/.exec(dtype)?.[0]));
}
