/** The elements of a TensorProto, from wherever they are stored: raw bytes, typed fields, or a file beside the model. */
import { closeSync, fstatSync, openSync, realpathSync } from 'node:fs';
import path from 'node:path';

import { fileError, readFully } from '../base/files';
import { requireRegular } from '../base/regularFile';
import { allocate, DTYPES, toBytes } from '../tensors/dtype';
import { type DType, type TypedArray, sizeOf } from '../tensors/dtype';
import { onnx } from './proto.bundle';
import { bigInteger, Unreadable } from './wire';
import { oneLine } from '../base/errors';

/** `count` elements of `dtype` in an array of their own. `directory` is what external data is relative to. */
export function readTensorData(
  proto: onnx.ITensorProto,
  dtype: DType,
  shape: readonly number[],
  where: string,
  directory: string | undefined,
): TypedArray {
  const count = sizeOf(shape);
  if (proto.dataLocation === onnx.TensorProto.DataLocation.EXTERNAL) {
    return readExternal(proto, dtype, count, where, directory);
  }
  const raw = proto.rawData ?? new Uint8Array();
  if (raw.length === 0) return readTyped(proto, dtype, count, where);
  if (raw.length !== count * DTYPES[dtype].bytes) {
    throw new Unreadable(`${where} has ${raw.length} bytes for ${dtype}[${shape.join(', ')}]`);
  }
  const data = allocate(dtype, count);
  toBytes(data).set(raw);
  return data;
}

function readTyped(proto: onnx.ITensorProto, dtype: DType, count: number, where: string): TypedArray {
  const field = typedField(proto, dtype);
  if (field.length !== count) throw new Unreadable(`${where} has ${field.length} elements for ${count}`);
  const data = allocate(dtype, count);
  if (data instanceof BigInt64Array || data instanceof BigUint64Array) data.set(field.map(bigInteger));
  else data.set(field.map(Number));
  return data;
}

/** Which field of TensorProto holds a dtype; the narrow ones share int32_data, float16 there as bits. */
function typedField(proto: onnx.ITensorProto, dtype: DType): readonly unknown[] {
  switch (dtype) {
    case 'float32':
      return proto.floatData ?? [];
    case 'float64':
      return proto.doubleData ?? [];
    case 'int64':
      return proto.int64Data ?? [];
    case 'uint32':
    case 'uint64':
      return proto.uint64Data ?? [];
    case 'int32':
    case 'int8':
    case 'uint8':
    case 'uint16':
    case 'bool':
    case 'float16':
      return proto.int32Data ?? [];
  }
}

function readExternal(
  proto: onnx.ITensorProto,
  dtype: DType,
  count: number,
  where: string,
  directory: string | undefined,
): TypedArray {
  if (directory === undefined) {
    throw new Unreadable(`${where} is in an external file; read the model from its path to have it loaded`);
  }
  const settings = externalSettings(proto);
  const file = externalFile(proto, directory, where);
  requireRegular(file);
  const length = count * DTYPES[dtype].bytes;
  const offset = byteCount(settings.get('offset') ?? '0', `the offset of ${where}`);
  const stated = byteCount(settings.get('length') ?? String(length), `the length of ${where}`);
  if (stated !== length)
    throw new Unreadable(`${where} has ${stated} external bytes where ${length} are needed`);
  try {
    const fd = openSync(file, 'r');
    try {
      if (offset + length > fstatSync(fd).size) throw new Unreadable(`${where} goes past the end of ${file}`);
      const data = allocate(dtype, count);
      readFully(fd, toBytes(data), offset);
      return data;
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    throw fileError(`read ${oneLine(where)} from`, file, error);
  }
}

const externalSettings = (proto: onnx.ITensorProto) =>
  new Map((proto.externalData ?? []).map(({ key, value }) => [key ?? '', value ?? '']));

/** The file that a tensor's elements are in, inside of `directory`. Unreadable or UserError where there is none. */
export const externalFile = (proto: onnx.ITensorProto, directory: string, where: string): string =>
  insideDirectory(directory, externalSettings(proto).get('location') ?? '', where);

/** The file at `location`, which may not leave `directory`, neither by `..` nor through a link. */
function insideDirectory(directory: string, location: string, where: string): string {
  const file = path.resolve(directory, location);
  const refusal = new Unreadable(
    `${where} names the external file "${location}", which is no file in the model's folder`,
  );
  const plain = location !== '' && !/\p{Cc}/u.test(location) && !path.isAbsolute(location);
  if (!plain || !isInside(path.resolve(directory), file)) throw refusal;
  try {
    if (!isInside(realpathSync(directory), realpathSync(file))) throw refusal;
  } catch (error) {
    throw fileError(`read ${oneLine(where)} from`, file, error);
  }
  return file;
}

function isInside(directory: string, file: string): boolean {
  const relative = path.relative(directory, file);
  return relative !== '' && relative.split(path.sep)[0] !== '..' && !path.isAbsolute(relative);
}

function byteCount(text: string, what: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value)) throw new Unreadable(`${what} is "${text}"`);
  return value;
}
