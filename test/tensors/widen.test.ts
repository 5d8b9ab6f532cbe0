/** Weights of other widths as float32. */
import { float16Bits } from '../../src/tensors/float16';
import type { HostTensor } from '../../src/tensors/dtype';
import { widenFloats } from '../../src/tensors/widen';

test('float16 and float64 become float32 and are counted, anything else stays', () => {
  const whole = { dtype: 'int64' as const, shape: [1], data: BigInt64Array.of(7n) };
  const { tensors, counts } = widenFloats(
    'a.safetensors',
    new Map<string, HostTensor>([
      [
        'half',
        {
          dtype: 'float16' as const,
          shape: [2],
          data: Uint16Array.of(float16Bits(1.5), float16Bits(-65504)),
        },
      ],
      ['double', { dtype: 'float64' as const, shape: [3], data: Float64Array.of(0.1, Infinity, NaN) }],
      ['whole', whole],
    ]),
  );
  expect(tensors.get('half')).toEqual({ dtype: 'float32', shape: [2], data: Float32Array.of(1.5, -65504) });
  expect(tensors.get('double')?.data).toEqual(Float32Array.of(0.1, Infinity, NaN));
  expect(tensors.get('whole')).toBe(whole);
  expect([...counts]).toEqual([
    ['float16', 1],
    ['float64', 1],
  ]);
});

test('a number beyond float32 is refused by name', () => {
  const tensor = { dtype: 'float64' as const, shape: [2], data: Float64Array.of(1, 1e300) };
  expect(() => widenFloats('a.safetensors', new Map<string, HostTensor>([['fc.weight', tensor]]))).toThrow(
    'a.safetensors: fc.weight has 1e+300, which float32 cannot hold',
  );
});
