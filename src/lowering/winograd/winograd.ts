/**
 * 3x3 convolution at stride 1 by Winograd's minimal filtering F(m x m, 3 x 3), and both gradients.
 *
 * With e = m + 2, T tiles, B, G, A the matrices of Lavin & Gray (2016), each as its Kronecker square so that a transform is
 * one product over all tiles:
 *
 *   V = B' d [e*e, T, C]   U = G w [e*e, O, C]   y = A' (V U')           (V kept for dW, U for dx)
 *   dM = A dy              dU = dM' V, dw = G' dU                         dV = dM U, dx = overlapping sum of B dV
 *
 * The rows of y, and of the pixels that the tiles share least, lie in the tile order of tileOrder.ts. Error of one convolution
 * in float32, largest over largest: F(2x2) about twice the direct product's, F(4x4) about 20 times.
 */
import type { Value } from '../../graph/graph';
import { mul } from '../../ops/elementwise';
import { matmul, swapLast } from '../../ops/matmul';
import { reshape } from '../../ops/shape';
import type { ConvAttributes } from '../../ops/conv';
import {
  asRows,
  imageSize,
  isStaticImage,
  plainly,
  type Condition,
  type Lowering,
  type Implementation,
} from '../context';
import { scaledRows } from '../rows/conv';
import { Tiling } from './tiling';

function winograd(m: number) {
  const name = `winograd${m}`;
  const applies = (x: Value, kernel: readonly unknown[], attrs: Partial<ConvAttributes>) => {
    const { strides, pads, dilations, group } = attrs as ConvAttributes;
    const ones = [...strides, ...dilations, ...pads, group].every((value) => value === 1);
    // factors of up to 1/24 and 8 cost more digits than float16 has
    if (!ones || x.dtype === 'float16' || !isStaticImage(x) || kernel.join() !== '3,3') return false;
    const { h, w } = imageSize(x);
    return h % m === 0 && w % m === 0;
  };
  const forward: Implementation = {
    name,
    tile: m,
    when: ([x, w], attrs) => applies(x, w.shape.slice(2), attrs),
    build: (context, [x, w]) => {
      const tiling = new Tiling(context, m, imageSize(x), x.dtype);
      return [
        asRows(
          tiling.output(
            matmul(transformedInput(context, tiling, x), swapLast(transformedKernel(context, tiling, w))),
          ),
        ),
      ];
    },
  };
  const inputGradient: Implementation = {
    name,
    when: ([dy, w], attrs) => applies(dy, w.shape.slice(2), attrs),
    build: (context, [dy, w]) => {
      const size = imageSize(dy);
      const tiling = new Tiling(context, m, size, dy.dtype);
      const [o, c] = w.shape as number[];
      const { rows, scale } = scaledRows(context, dy, tiling.positions * c);
      const u = transformedKernel(context, tiling, w);
      const scaled = scale ? mul(u, reshape(scale, [o, 1])) : u;
      return [asRows(tiling.inputGradient(matmul(transformedGradient(context, tiling, rows), scaled)))];
    },
  };
  const weightGradient: Implementation = {
    name,
    when: ([x], attrs) => applies(x, attrs.kernelShape as readonly number[], attrs),
    build: (context, [x, dy]) => {
      const size = imageSize(dy);
      const tiling = new Tiling(context, m, size, dy.dtype);
      const { c } = imageSize(x);
      const { rows, scale } = scaledRows(context, dy, tiling.positions * c);
      const du = matmul(
        swapLast(transformedGradient(context, tiling, rows)),
        transformedInput(context, tiling, x),
      );
      const dw = tiling.kernelGradient(du);
      return [plainly(scale ? mul(dw, reshape(scale, [size.c, 1, 1, 1])) : dw)];
    },
  };
  return { forward, inputGradient, weightGradient };
}

// Forward and backward ask for the same transforms; each is made once.
const transformedInput = (context: Lowering, tiling: Tiling, x: Value) =>
  context.once(`V${tiling.m}`, [x], () => tiling.input(context.rows(x)));
const transformedKernel = (context: Lowering, tiling: Tiling, w: Value) =>
  context.once(`U${tiling.m}`, [w], () => tiling.kernel(context.plain(w)));
const transformedGradient = (context: Lowering, tiling: Tiling, rows: Value) =>
  context.once(`dM${tiling.m}`, [rows], () => tiling.outputGradient(rows));

export const winograd2 = winograd(2);
export const winograd4 = winograd(4);

/** Fewest channels, in and out, for which the transforms cost less than they save. */
const MIN_CHANNELS = 8;

/** Fewer rows than these leave the runtime's product kernel idle: then F(2x2), with four times the tiles, is faster. */
const MIN_TILES = 32;

/** Whether F(m x m) is better than a direct product for a map [N, C, H, W] and its other channels. */
export const prefersWinograd =
  (m: number): Condition =>
  ([a, b], attrs, { provider }) => {
    if (provider !== 'cpu') return false;
    // The three composites' operands are (x, w), (dy, w), (x, dy); axis 1 and 0 or 1 of the second hold the channels.
    const [n, c, h, w] = a.shape as number[];
    const other = Math.min(b.shape[0] as number, b.shape[1] as number);
    const channels = attrs.kernelShape ? Math.min(c, b.shape[1] as number) : Math.min(c, other);
    return channels >= MIN_CHANNELS && (m === 2 || (n * h * w) / m ** 2 >= MIN_TILES);
  };
