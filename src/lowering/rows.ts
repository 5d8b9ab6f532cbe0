/** Pieces of the spellings on matrices [P, C] with P = N*H*W: column sums, row broadcasts, gathering windows. */
import type { Operand } from '../graph/op';
import type { Value } from '../graph/value';
import { add, mul } from '../ops/elementwise';
import { gather } from '../ops/gather';
import { reduceSum } from '../ops/reduce';
import { pad, reshape, tile } from '../ops/shape';

/**
 * Sum over the rows of x [P, C] -> [C]. ONNX Runtime sums a leading axis on one thread; in up to 64 slices first it uses
 * all of them, and the slices' sums are small.
 */
export function columnSum(x: Value): Value {
  const [p, c] = x.shape as number[];
  let slices = 64;
  while (p % slices !== 0) slices /= 2;
  if (p <= 2 * slices || slices === 1) return reduceSum(x, [0]);
  return reduceSum(reduceSum(reshape(x, [slices, p / slices, c]), [1]), [0]);
}

/** Rows of at least this many elements keep ONNX Runtime's broadcasting loop busy. */
const WIDE = 1024;

/** x [P, C] op row [C], as [P/k, k C] op the row tiled k times. */
function broadcastRow(op: (a: Operand, b: Operand) => Value, x: Value, row: Value): Value {
  const [p, c] = x.shape as number[];
  let k = 1;
  while (c * k < WIDE && p % (2 * k) === 0) k *= 2;
  if (k === 1) return op(x, row);
  return reshape(op(reshape(x, [p / k, k * c]), tile(row, [k])), [p, c]);
}
export const addRow = (x: Value, row: Value) => broadcastRow(add, x, row);
export const mulRow = (x: Value, row: Value) => broadcastRow(mul, x, row);

/**
 * Rows of every image taken by index: x [N*from, C] -> [N*count, C]. Index `from`, where it occurs, is a row of zeros.
 */
export function takeRows(x: Value, images: number, index: readonly number[]): Value {
  const [p, c] = x.shape as number[];
  const from = p / images;
  if (index.length === from && index.every((row, i) => row === i)) return x;
  let source = reshape(x, [images, from, c]);
  if (index.includes(from)) source = pad(source, [0, 0, 0], [0, 1, 0]);
  const constant = x.graph.constant('int32', [index.length], index);
  return reshape(gather(source, constant, 1), [images * index.length, c]);
}
