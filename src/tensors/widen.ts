/** Floating-point tensors of other widths as float32. */
import { UserError } from '../base/errors';
import type { HostTensor, TypedArray } from './dtype';
import { float16Value } from './float16';

/**
 * `tensors` with those of float16 and float64 as float32, and how many there were of each.
 * @param file where they are from, for the error
 * @throws UserError for a float64 beyond float32
 */
export function widenFloats(
  file: string,
  tensors: ReadonlyMap<string, HostTensor>,
): { tensors: Map<string, HostTensor>; counts: ReadonlyMap<string, number> } {
  const counts = new Map<string, number>();
  const result = new Map<string, HostTensor>();
  for (const [name, tensor] of tensors) {
    const { dtype, shape } = tensor;
    if (dtype !== 'float16' && dtype !== 'float64') {
      result.set(name, tensor);
      continue;
    }
    counts.set(dtype, (counts.get(dtype) ?? 0) + 1);
    result.set(name, { dtype: 'float32', shape, data: asFloat32(dtype, tensor.data, `${file}: ${name}`) });
  }
  return { tensors: result, counts };
}

function asFloat32(dtype: 'float16' | 'float64', data: TypedArray, where: string): Float32Array {
  const numbers = data as Uint16Array | Float64Array;
  if (dtype === 'float16') return Float32Array.from(numbers, float16Value);
  const result = Float32Array.from(numbers);
  const beyond = result.findIndex((value, i) => !Number.isFinite(value) && Number.isFinite(numbers[i]));
  if (beyond >= 0) throw new UserError(`${where} has ${numbers[beyond]}, which float32 cannot hold`);
  return result;
}
