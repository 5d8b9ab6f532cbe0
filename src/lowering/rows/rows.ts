/** Pieces of the implementations on matrices [P, C] with P = N*H*W: column sums, row broadcasts, gathering windows. */
import type { Operand } from '../../graph/op';
import type { Value } from '../../graph/graph';
import { add, mul } from '../../ops/elementwise';
import { gather } from '../../ops/gather';
import { reduceSum } from '../../ops/reduce';
import { concat, pad, reshape, tile } from '../../ops/shape';
import type { Lowering } from '../context';
import type { PixelOrder } from '../winograd/tileOrder';

/**
 * Sum over the rows of x [P, C] -> [C]. ONNX Runtime sums a leading axis on one thread; in up to 64 slices first it uses
 * all of them, and the slices' sums are small.
 */
export function columnSum(context: Lowering, x: Value): Value {
  const [p, c] = x.shape as number[];
  let slices = context.uses('slicedSums') ? 64 : 1;
  while (p % slices !== 0) slices /= 2;
  if (p <= 2 * slices || slices === 1) return reduceSum(x, [0]);
  return reduceSum(reduceSum(reshape(x, [slices, p / slices, c]), [1]), [0]);
}

/** Rows of at least this many elements keep ONNX Runtime's broadcasting loop busy. */
const WIDE = 1024;

type Binary = (a: Operand, b: Operand) => Value;

/** x [P, C] op row [C], as [P/k, k C] op the row tiled k times. */
function broadcastRow(context: Lowering, op: Binary, x: Value, row: Value): Value {
  const [p, c] = x.shape as number[];
  let k = 1;
  if (context.uses('wideRows')) while (c * k < WIDE && p % (2 * k) === 0) k *= 2;
  if (k === 1) return op(x, row);
  return reshape(op(reshape(x, [p / k, k * c]), tile(row, [k])), [p, c]);
}
export const addRow = (context: Lowering, x: Value, row: Value) => broadcastRow(context, add, x, row);
export const mulRow = (context: Lowering, x: Value, row: Value) => broadcastRow(context, mul, x, row);

/** x [P, C] with a row of zeros after it, the address of what lies outside of the image. */
export function withZeroRow(context: Lowering, x: Value): Value {
  const c = x.shape[1] as number;
  const zeros = context.once(`zeros ${c} ${x.dtype}`, [], () =>
    context.target.constant(x.dtype, [1, c], Array<number>(c).fill(0)),
  );
  return concat([x, zeros], 0);
}

/** Which rows of every image to take, and in which order to put them. */
export interface RowSelection {
  /** unique for its numbers: the index list is made once for each name */
  readonly name: string;
  readonly images: number;
  /** rows an image of x; the index of a row of zeros */
  readonly pixels: number;
  /** `taps` pixels for each of the results of an image, row-major */
  readonly index: readonly number[];
  readonly taps: number;
  readonly from: PixelOrder;
  /** the order of the results; by default image by image */
  readonly to?: PixelOrder;
}

/** Rows of x [images * pixels, C] -> [images * results * taps, C]. */
export function takeRows(context: Lowering, x: Value, selection: RowSelection): Value {
  const { name, images, pixels, index, taps, from, to } = selection;
  const outside = index.includes(pixels);
  const identity = index.length === pixels && index.every((row, i) => row === i);
  if (identity && taps === 1 && from.tile === (to?.tile ?? 1)) return x;
  if (from.tile === 1 && (to?.tile ?? 1) === 1) {
    let source = reshape(x, [images, pixels, x.shape[1]]);
    if (outside) source = pad(source, [0, 0, 0], [0, 1, 0]);
    const list = context.index(`${name} an image`, () => Int32Array.from(index));
    return reshape(gather(source, list, 1), [images * index.length, x.shape[1]]);
  }
  const results = index.length / taps;
  const list = context.index(`${name} ${images} ${from.tile} ${to?.tile ?? 1}`, () => {
    const rows = new Int32Array(images * index.length);
    for (let image = 0; image < images; image++) {
      for (let i = 0; i < results; i++) {
        const row = to ? to.position(image, i) : image * results + i;
        for (let t = 0; t < taps; t++) {
          const pixel = index[i * taps + t];
          rows[row * taps + t] = pixel === pixels ? images * pixels : from.position(image, pixel);
        }
      }
    }
    return rows;
  });
  return gather(outside ? withZeroRow(context, x) : x, list);
}
