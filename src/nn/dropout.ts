/**
 * Dropout without random operators: each element's number is a hash of its index and a key, the key a hash of the step's
 * seed and the place in the network. Integer arithmetic below 2^63 only, so that every runtime gets the same mask.
 */
import { staticShape } from '../graph/shape';
import { sizeOf } from '../tensors/dtype';
import type { Value } from '../graph/graph';
import { add, bitwiseAnd, bitwiseXor, cast, div, greaterOrEqual, mul } from '../ops/elementwise';
import { reshape } from '../ops/shape';
import type { Context } from './context';

const MASK = 2 ** 32 - 1;
/** 2^32 / golden ratio, odd: spreads consecutive sites over the 32-bit range. */
const SITE_STEP = 0x9e3779b1;

/** Mixes int64 values in [0, 2^32): Wellons' two-round xorshift-multiply hash, found by his hash prospector. */
function hash(x: Value): Value {
  const shiftXor = (v: Value, bits: number) => bitwiseXor(v, div(v, 2 ** bits));
  const multiply = (v: Value, factor: number) => bitwiseAnd(mul(v, factor), MASK);
  return shiftXor(multiply(shiftXor(multiply(shiftXor(x, 16), 0x21f0aaad), 15), 0x735a2d97), 15);
}

/** 0 .. n-1 as an int64 vector of two small constants. */
function counters(like: Value, n: number): Value {
  let columns = Math.ceil(Math.sqrt(n));
  while (n % columns !== 0) columns++;
  const rows = n / columns;
  const ramp = (count: number, step: number, shape: number[]) =>
    like.graph.constant(
      'int64',
      shape,
      Array.from({ length: count }, (_, i) => i * step),
    );
  return reshape(add(ramp(rows, columns, [rows, 1]), ramp(columns, 1, [1, columns])), [n]);
}

/** x with each element zeroed with probability `rate` and the others divided by 1 - rate; x itself outside of training. */
export function dropout(context: Context, x: Value, rate: number): Value {
  if (!context.training || rate === 0) return x;
  const { seed, site } = context.nextDropout();
  return context.scope('dropout', () => {
    const shape = staticShape(x, 'dropout');
    const key = hash(bitwiseAnd(add(seed, site * SITE_STEP), MASK));
    const numbers = hash(bitwiseXor(counters(x, sizeOf(shape)), key));
    const keep = cast(greaterOrEqual(numbers, Math.round(rate * 2 ** 32)), x.dtype);
    return mul(x, mul(reshape(keep, shape), 1 / (1 - rate)));
  });
}
