/** Small random tensors for tests, and how far two of them are apart. */
import { Random } from '../../src/base/random';
import { fromNumbers, type DType, type HostTensor, sizeOf } from '../../src/tensors/dtype';

/** Standard normal numbers, named by `stream`. */
export function randomTensor(
  shape: readonly number[],
  stream: string,
  dtype: 'float64' | 'float32' = 'float64',
): HostTensor {
  const random = new Random(1, stream);
  return tensorOf(
    dtype,
    shape,
    Array.from({ length: sizeOf(shape) }, () => random.normal()),
  );
}

export function tensorOf(dtype: DType, shape: readonly number[], numbers: ArrayLike<number>): HostTensor {
  return { dtype, shape, data: fromNumbers(dtype, numbers) };
}

export const numbersOf = (tensor: HostTensor): number[] => Array.from(tensor.data, Number);

const norm = (numbers: readonly number[]) => Math.sqrt(numbers.reduce((sum, v) => sum + v * v, 0));

/** |actual - expected| / |expected| in the Euclidean norm; the absolute distance where `expected` is almost nothing. */
export function relativeDistance(actual: readonly number[], expected: readonly number[]): number {
  if (actual.length !== expected.length) throw new Error(`${actual.length} numbers for ${expected.length}`);
  const distance = norm(actual.map((a, i) => a - expected[i]));
  const size = norm(expected);
  return size < 1e-3 ? distance : distance / size;
}

/** Expects the same shape, and numbers within `tolerance` relative to the norm of `expected`. */
export function expectClose(
  actual: HostTensor,
  expected: Pick<HostTensor, 'shape' | 'data'>,
  tolerance: number,
): void {
  expect([...actual.shape]).toEqual([...expected.shape]);
  const distance = relativeDistance(Array.from(actual.data, Number), Array.from(expected.data, Number));
  expect(distance).toBeLessThanOrEqual(tolerance);
}
