/** Small conversions between protobuf's values and plain ones. */
import { DTYPES } from '../tensors/dtype';
import type { DType } from '../tensors/dtype';

/** What is wrong with a model, without the file's name; `decodeModel` adds that. */
export class Unreadable extends Error {}

/** A 64-bit field (a number, or an object of the package long) as a bigint. */
export function bigInteger(value: unknown): bigint {
  return BigInt(String(value));
}

export function exactInteger(value: unknown, what: string): number {
  const number = Number(bigInteger(value));
  if (!Number.isSafeInteger(number)) throw new Unreadable(`${what} holds ${String(value)}, beyond 2^53`);
  return number;
}

export function utf8(bytes: Uint8Array, what: string): string {
  try {
    // ignoreBOM keeps a leading U+FEFF as the character that it is.
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new Unreadable(`${what} is not UTF-8 text`);
  }
}

const BY_ONNX_TYPE = new Map<number, DType>(
  (Object.keys(DTYPES) as DType[]).map((dtype) => [DTYPES[dtype].onnx, dtype]),
);

export function dtypeOf(onnxType: number, what: string): DType {
  const dtype = BY_ONNX_TYPE.get(onnxType);
  if (!dtype) throw new Unreadable(`${what} has the element type ${onnxType}, which is not supported`);
  return dtype;
}
