/** Element types of ONNX tensors that the project uses, and their JavaScript arrays. */
import { float16Bits } from './float16';

export type DType =
  | 'float32'
  | 'float64'
  | 'float16'
  | 'uint8'
  | 'uint16'
  | 'int8'
  | 'int32'
  | 'int64'
  | 'uint32'
  | 'uint64'
  | 'bool';

export type TypedArray =
  | Float32Array
  | Float64Array
  | Uint16Array
  | Uint8Array
  | Int8Array
  | Int32Array
  | BigInt64Array
  | Uint32Array
  | BigUint64Array;

/** What a dtype is elsewhere: `onnx` is TensorProto.DataType, `array` holds the elements (float16 as raw bits, bool as 0/1). */
interface DTypeInfo {
  readonly onnx: number;
  readonly bytes: number;
  readonly array: new (buffer: ArrayBufferLike, byteOffset?: number, length?: number) => TypedArray;
}

export const DTYPES: Readonly<Record<DType, DTypeInfo>> = {
  float32: { onnx: 1, bytes: 4, array: Float32Array },
  uint8: { onnx: 2, bytes: 1, array: Uint8Array },
  int8: { onnx: 3, bytes: 1, array: Int8Array },
  uint16: { onnx: 4, bytes: 2, array: Uint16Array },
  int32: { onnx: 6, bytes: 4, array: Int32Array },
  int64: { onnx: 7, bytes: 8, array: BigInt64Array },
  bool: { onnx: 9, bytes: 1, array: Uint8Array },
  float16: { onnx: 10, bytes: 2, array: Uint16Array },
  float64: { onnx: 11, bytes: 8, array: Float64Array },
  uint32: { onnx: 12, bytes: 4, array: Uint32Array },
  uint64: { onnx: 13, bytes: 8, array: BigUint64Array },
};

/** Product of the sizes; 1 for a scalar. */
export const sizeOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** A fresh zero-filled array for `length` elements of `dtype`. */
export function allocate(dtype: DType, length: number): TypedArray {
  const { array, bytes } = DTYPES[dtype];
  return new array(new ArrayBuffer(length * bytes), 0, length);
}

/** Plain numbers as elements of `dtype`; integers must be whole. */
export function fromNumbers(dtype: DType, numbers: ArrayLike<number>): TypedArray {
  const data = allocate(dtype, numbers.length);
  const big = data instanceof BigInt64Array || data instanceof BigUint64Array;
  const half = dtype === 'float16';
  for (let i = 0; i < numbers.length; i++)
    data[i] = big ? BigInt(numbers[i]) : half ? float16Bits(numbers[i]) : numbers[i];
  return data;
}

/** Little-endian raw bytes of `data`; a view, not a copy. */
export function toBytes(data: TypedArray): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

/** The elements behind `bytes`; copies only where the offset is not aligned to the element. */
export function fromBytes(dtype: DType, bytes: Uint8Array): TypedArray {
  const { array, bytes: size } = DTYPES[dtype];
  const aligned = bytes.byteOffset % size === 0 ? bytes : new Uint8Array(bytes);
  return new array(aligned.buffer, aligned.byteOffset, aligned.byteLength / size);
}

/** The numbers of all parts, one after another, in fresh memory. */
export function joinFloats(parts: readonly Float32Array[]): Float32Array {
  const result = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    result.set(part, at);
    at += part.length;
  }
  return result;
}

/** `data` in memory of this thread alone: a copy where threads share it. */
export function unshared(data: TypedArray): TypedArray {
  // by its tag: its class may be another realm's
  const shared = Object.prototype.toString.call(data.buffer) === '[object SharedArrayBuffer]';
  return shared ? data.slice() : data;
}

/** A tensor on the JavaScript side: row-major `data` of `dtype` in `shape`. */
export interface HostTensor {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: TypedArray;
}

/** `tensor` in memory that nothing else lies in, so that it can be moved: a copy where its data is a part of more. */
export function inOwnMemory(tensor: HostTensor): HostTensor {
  const { dtype, data } = tensor;
  if (data.byteLength === data.buffer.byteLength) return tensor;
  return { ...tensor, data: fromBytes(dtype, toBytes(data).slice()) };
}
