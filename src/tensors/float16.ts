/** Half precision without an array type of its own: numbers to and from the 16 bits of IEEE 754 binary16. */

/** The nearest multiple of 1, ties to even. */
function roundEven(x: number): number {
  const below = Math.floor(x);
  const rest = x - below;
  return rest > 0.5 || (rest === 0.5 && below % 2 === 1) ? below + 1 : below;
}

/** The bits of the float16 nearest to x, ties to even; 65520 and more become infinite. */
export function float16Bits(x: number): number {
  if (Number.isNaN(x)) return 0x7e00;
  const sign = x < 0 || Object.is(x, -0) ? 0x8000 : 0;
  const size = Math.abs(x);
  if (size >= 65520) return sign | 0x7c00;
  // Below 2^-14 numbers are multiples of 2^-24; a sum that reaches 2^10 is the first normal number's bits.
  if (size < 2 ** -14) return sign | roundEven(size * 2 ** 24);
  let exponent = Math.floor(Math.log2(size));
  if (2 ** exponent > size) exponent--;
  else if (2 ** (exponent + 1) <= size) exponent++;
  // A fraction that rounds up to 2^10 carries into the exponent.
  return sign | (((exponent + 15) << 10) + roundEven((size / 2 ** exponent - 1) * 2 ** 10));
}

/** The number behind the bits of a float16. */
export function float16Value(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (1 + fraction / 2 ** 10) * 2 ** (exponent - 15);
}
