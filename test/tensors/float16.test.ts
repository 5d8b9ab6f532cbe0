/** Half precision: all 65,536 patterns there and back, rounding at the halves, and the ends of the range. */
import { float16Bits, float16Value } from '../../src/tensors/float16';

test('every pattern comes back; a NaN as a NaN', () => {
  for (let bits = 0; bits < 2 ** 16; bits++) {
    const value = float16Value(bits);
    if (Number.isNaN(value)) expect(float16Bits(value)).toBe(0x7e00);
    else if (float16Bits(value) !== bits) throw new Error(`${bits} -> ${value} -> ${float16Bits(value)}`);
  }
});

test('known patterns', () => {
  const known: [number, number][] = [
    [0, 0],
    [-0, 0x8000],
    [1, 0x3c00],
    [-2, 0xc000],
    [65504, 0x7bff],
    [2 ** -14, 0x0400],
    [2 ** -24, 0x0001],
    [Infinity, 0x7c00],
    [1 / 3, 0x3555],
  ];
  for (const [value, bits] of known) expect(float16Bits(value)).toBe(bits);
});

test('halfway between neighbours goes to the even one, anything beyond to the nearer', () => {
  for (let bits = 0; bits < 0x7bff; bits++) {
    const [low, high] = [float16Value(bits), float16Value(bits + 1)];
    const middle = (low + high) / 2;
    const even = bits % 2 === 0 ? bits : bits + 1;
    const gap = high - low;
    const rounded = [middle - gap / 1000, middle, middle + gap / 1000].map(float16Bits);
    if (rounded.join() !== [bits, even, bits + 1].join()) throw new Error(`${bits}: ${rounded.join()}`);
  }
  expect([65519.9, 65520, 1e300].map(float16Bits)).toEqual([0x7bff, 0x7c00, 0x7c00]);
  expect(float16Bits(2 ** -26)).toBe(0);
});
