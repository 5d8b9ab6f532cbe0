/** The protocol's data types: their names, and tensors from and to numbers and bytes. */
import { allocate, DTYPES, fromBytes, type DType, type HostTensor } from '../../tensors/dtype';
import { dataTypeName, dtypeNamed, unknownDataType } from '../../repository/dataTypeNames';
import { RequestError } from './requestError';

/** No model has more; flattening nested data takes a call for each. */
export const MOST_AXES = 16;

/** Highest finite value. */
const LARGEST: Partial<Readonly<Record<DType, number>>> = { float32: (2 - 2 ** -23) * 2 ** 127 };

/** Lowest and highest value of whole numbers. */
const RANGES: Partial<Readonly<Record<DType, readonly [bigint, bigint]>>> = {
  uint8: [0n, 255n],
  uint16: [0n, 65_535n],
  int8: [-128n, 127n],
  int32: [-(2n ** 31n), 2n ** 31n - 1n],
  uint32: [0n, 2n ** 32n - 1n],
  int64: [-(2n ** 63n), 2n ** 63n - 1n],
  uint64: [0n, 2n ** 64n - 1n],
};

/** The dtype by that name. `where` names the tensor in the error. */
export function parseDataType(name: string, where: string): DType {
  const dtype = dtypeNamed(name);
  if (!dtype) throw new RequestError('invalid', unknownDataType(name, where));
  return dtype;
}

/** How many elements a shape has. Throws where a size is not a whole number of at least 1. */
export function elementsOf(shape: readonly number[], where: string): number {
  if (shape.length > MOST_AXES)
    throw new RequestError('invalid', `${where}: its shape has ${shape.length} sizes; at most ${MOST_AXES}`);
  let count = 1;
  for (const size of shape) {
    if (!Number.isSafeInteger(size) || size < 1)
      throw new RequestError(
        'invalid',
        `${where}: shape [${shape.join(', ')}] must have sizes of at least 1`,
      );
    count *= size;
  }
  if (!Number.isSafeInteger(count))
    throw new RequestError('invalid', `${where}: shape [${shape.join(', ')}] is too large`);
  return count;
}

/** A tensor of little-endian bytes, row-major; a view where they are aligned. */
export function tensorFromBytes(
  dtype: DType,
  shape: readonly number[],
  bytes: Uint8Array,
  where: string,
): HostTensor {
  const expected = elementsOf(shape, where) * DTYPES[dtype].bytes;
  if (bytes.length !== expected)
    throw new RequestError(
      'invalid',
      `${where}: ${bytes.length} bytes of data, but ${dataTypeName(dtype)} of shape [${shape.join(', ')}] has ${expected}`,
    );
  if (dtype === 'bool' && !isBits(bytes))
    throw new RequestError('invalid', `${where}: a BOOL is a byte of 0 or 1`);
  return { dtype, shape, data: fromBytes(dtype, bytes) };
}

function isBits(bytes: Uint8Array): boolean {
  let all = 0;
  for (const byte of bytes) all |= byte;
  return all <= 1;
}

/** A tensor of numbers, bigints or booleans, row-major; nested lists are read in their order. */
export function tensorFromValues(
  dtype: DType,
  shape: readonly number[],
  values: readonly unknown[],
  where: string,
): HostTensor {
  if (dtype === 'float16')
    throw new RequestError('invalid', `${where}: FP16 has no numbers in this form; send it as binary data`);
  const expected = elementsOf(shape, where);
  const flat = flatten(values, shape.length);
  if (flat.length !== expected)
    throw new RequestError(
      'invalid',
      `${where}: ${flat.length} values, but shape [${shape.join(', ')}] has ${expected}`,
    );
  const data = allocate(dtype, expected);
  const convert = converter(dtype);
  for (let i = 0; i < expected; i++) {
    const value = convert(flat[i]);
    if (value === null)
      throw new RequestError(
        'invalid',
        `${where}: value ${i}, ${show(flat[i])}, is no ${dataTypeName(dtype)}`,
      );
    data[i] = value;
  }
  return { dtype, shape, data };
}

/** Nested lists in their order, `axes` deep at most. */
function flatten(values: readonly unknown[], axes: number): readonly unknown[] {
  let flat = values;
  for (let axis = 1; axis < axes && Array.isArray(flat[0]); axis++) {
    const inner: unknown[] = [];
    for (const part of flat) {
      if (!Array.isArray(part)) inner.push(part);
      else for (const element of part as unknown[]) inner.push(element);
    }
    flat = inner;
  }
  return flat;
}

function show(value: unknown): string {
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'a list' : 'an object';
  return (typeof value === 'string' ? JSON.stringify(value.slice(0, 40)) : String(value)).slice(0, 40);
}

/** A value as an element of that dtype; null where it is none. */
function converter(dtype: DType): (value: unknown) => number | bigint | null {
  if (dtype === 'bool')
    return (value) => (value === true || value === 1 ? 1 : value === false || value === 0 ? 0 : null);
  const range = RANGES[dtype];
  if (!range) {
    const largest = LARGEST[dtype] ?? Number.MAX_VALUE;
    return (value) => (typeof value === 'number' && Math.abs(value) <= largest ? value : null);
  }
  const [lowest, highest] = range;
  if (DTYPES[dtype].bytes === 8)
    return (value) => {
      if (typeof value !== 'bigint' && !Number.isInteger(value)) return null;
      const whole = BigInt(value as number | bigint);
      return whole < lowest || whole > highest ? null : whole;
    };
  // Most data is of these, and numbers are compared to numbers at once.
  const [least, most] = [Number(lowest), Number(highest)];
  return (value) =>
    Number.isInteger(value) && (value as number) >= least && (value as number) <= most
      ? (value as number)
      : null;
}

/** The elements as JSON has them. Throws for what JSON cannot say. */
export function tensorToValues({ dtype, data }: HostTensor, where: string): (number | boolean)[] {
  if (dtype === 'float16')
    throw new RequestError('invalid', `${where}: FP16 has no numbers in JSON; ask for it as binary data`);
  return Array.from(data as ArrayLike<number | bigint>, (element) => {
    const value = Number(element);
    if (dtype === 'bool') return value !== 0;
    const exact = typeof element === 'bigint' ? Number.isSafeInteger(value) : Number.isFinite(value);
    if (!exact)
      throw new RequestError(
        'invalid',
        `${where}: it has ${element}, which JSON cannot say; ask for binary data`,
      );
    return value;
  });
}
