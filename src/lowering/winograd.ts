/**
 * 3x3 convolution at stride 1 by Winograd's minimal filtering F(m x m, 3 x 3), and both gradients.
 *
 * With e = m + 2, T tiles, B, G, A the matrices of Lavin & Gray (2016), each as its Kronecker square so that a transform is
 * one product over all tiles:
 *
 *   V = B' d [e*e, T, C]   U = G w [e*e, O, C]   y = A' (V U')           (V kept for dW, U for dx)
 *   dM = A dy              dU = dM' V, dw = G' dU                         dV = dM U, dx = overlapping sum of B dV
 *
 * The rows of y, and of the pixels that the tiles share least, lie in the tile order of order.ts. Error of one convolution
 * in float32, largest over largest: F(2x2) about twice the direct product's, F(4x4) about 20 times.
 */
import type { Value } from '../graph/value';
import { add, mul } from '../ops/elementwise';
import { gather } from '../ops/gather';
import { gemm, matmul, swapLast } from '../ops/matmul';
import { concat, reshape } from '../ops/shape';
import type { ConvAttributes } from '../ops/conv';
import {
  asRows,
  imageSize,
  isStaticImage,
  plainly,
  type Condition,
  type ImageSize,
  type Lowering,
  type Spelling,
} from './context';
import { scaledRows } from './conv';
import { pixelOrder, tilePlaces } from './order';
import { withZeroRow } from './rows';

type Matrix = readonly (readonly number[])[];

interface Transforms {
  /** B' [e, e] */
  readonly input: Matrix;
  /** G [e, 3] */
  readonly kernel: Matrix;
  /** A' [m, e] */
  readonly output: Matrix;
}

const TRANSFORMS: Readonly<Record<number, Transforms>> = {
  2: {
    input: [
      [1, 0, -1, 0],
      [0, 1, 1, 0],
      [0, -1, 1, 0],
      [0, 1, 0, -1],
    ],
    kernel: [
      [1, 0, 0],
      [0.5, 0.5, 0.5],
      [0.5, -0.5, 0.5],
      [0, 0, 1],
    ],
    output: [
      [1, 1, 1, 0],
      [0, 1, -1, -1],
    ],
  },
  4: {
    input: [
      [4, 0, -5, 0, 1, 0],
      [0, -4, -4, 1, 1, 0],
      [0, 4, -4, -1, 1, 0],
      [0, -2, -1, 2, 1, 0],
      [0, 2, -1, -2, 1, 0],
      [0, 4, 0, -5, 0, 1],
    ],
    kernel: [
      [1 / 4, 0, 0],
      [-1 / 6, -1 / 6, -1 / 6],
      [-1 / 6, 1 / 6, -1 / 6],
      [1 / 24, 1 / 12, 1 / 6],
      [1 / 24, -1 / 12, 1 / 6],
      [0, 0, 1],
    ],
    output: [
      [1, 1, 1, 1, 1, 0],
      [0, 1, -1, 2, -2, 0],
      [0, 1, 1, 4, 4, 0],
      [0, 1, -1, 8, -8, 1],
    ],
  },
};

/** a (x) a */
const square = (a: Matrix): number[][] =>
  a.flatMap((r) => a.map((s) => r.flatMap((x) => s.map((y) => x * y))));
const transposed = (a: Matrix): number[][] => a[0].map((_, j) => a.map((row) => row[j]));

/** One convolution's sizes and its transforms as constants of the graph. */
class Tiling {
  readonly positions: number;
  readonly tiles: number;
  private readonly name: string;

  constructor(
    private readonly context: Lowering,
    readonly m: number,
    private readonly size: ImageSize,
    private readonly dtype: Value['dtype'],
  ) {
    this.positions = (m + 2) ** 2;
    this.tiles = size.pixels / (m * m);
    this.name = `F${m} ${size.n}x${size.h}x${size.w}`;
  }

  private matrix(name: string, make: () => Matrix): Value {
    return this.context.once(`F${this.m} ${name} ${this.dtype}`, [], () => {
      const rows = make();
      return this.context.target.constant(this.dtype, [rows.length, rows[0].length], rows.flat());
    });
  }
  /** A' squared, its rows in the order of tilePlaces. */
  private outputRows = () => {
    const rows = square(TRANSFORMS[this.m].output);
    return tilePlaces(this.m).map(([r, c]) => rows[r * this.m + c]);
  };

  /** V [e*e, T, C] of rows in the map's order. */
  input(x: Value): Value {
    const { context, positions, tiles } = this;
    const c = x.shape[1] as number;
    const order = context.order(this.size);
    const index = context.index(`${this.name} windows ${order.tile}`, () => this.windows(order.position));
    const taken = gather(withZeroRow(context, x), index);
    const b = this.matrix('B', () => square(TRANSFORMS[this.m].input));
    return reshape(matmul(b, reshape(taken, [positions, tiles * c])), [positions, tiles, c]);
  }

  /** U [e*e, O, C] of w [O, C, 3, 3]. */
  kernel(w: Value): Value {
    const [o, c] = w.shape as number[];
    const g = this.matrix('G', () => square(TRANSFORMS[this.m].kernel));
    return reshape(gemm(g, reshape(w, [o * c, 9]), { transB: 1 }), [this.positions, o, c]);
  }

  /** M [e*e, T, O] -> rows in the map's order. */
  output(product: Value): Value {
    const o = product.shape[2] as number;
    const a = this.matrix('A', this.outputRows);
    const flat = matmul(a, reshape(product, [this.positions, this.tiles * o]));
    return this.fromTiles(reshape(flat, [this.size.pixels, o]));
  }

  private fromTiles(rows: Value): Value {
    const { context, size } = this;
    return context.reordered(rows, size, pixelOrder(size, this.m), context.order(size));
  }

  /** dM [e*e, T, O] of rows in the map's order. */
  outputGradient(dy: Value): Value {
    const { context, size } = this;
    const o = dy.shape[1] as number;
    const rows = context.reordered(dy, size, context.order(size), pixelOrder(size, this.m));
    const a = this.matrix("A'", () => transposed(this.outputRows()));
    return reshape(matmul(a, reshape(rows, [this.m * this.m, this.tiles * o])), [
      this.positions,
      this.tiles,
      o,
    ]);
  }

  /** dU [e*e, O, C] -> dw [O, C, 3, 3] */
  kernelGradient(du: Value): Value {
    const [, o, c] = du.shape as number[];
    const g = this.matrix('G', () => square(TRANSFORMS[this.m].kernel));
    return reshape(gemm(reshape(du, [this.positions, o * c]), g, { transA: 1 }), [o, c, 3, 3]);
  }

  /** dV [e*e, T, C] -> rows of dx in the map's order: every pixel sums the tiles that hold it. */
  inputGradient(dv: Value): Value {
    const { context, positions, tiles, m } = this;
    const c = dv.shape[2] as number;
    // One row of zeros more in the transform makes T rows of zeros, the address for "no further tile".
    const b = this.matrix("B'", () => [
      ...transposed(square(TRANSFORMS[m].input)),
      Array<number>(positions).fill(0),
    ]);
    const spread = reshape(matmul(b, reshape(dv, [positions, tiles * c])), [(positions + 1) * tiles, c]);
    const parts = this.overlaps().map((terms, part) =>
      terms
        .map((index, k) =>
          gather(
            spread,
            context.index(`${this.name} overlap ${part} ${k}`, () => index),
          ),
        )
        .reduce(add),
    );
    return this.fromTiles(parts.length === 1 ? parts[0] : concat(parts, 0));
  }

  /** For each position of each tile the row of its pixel, P where it lies in the padding: [e*e*T]. */
  private windows(position: (image: number, pixel: number) => number): Int32Array {
    const { m, tiles, positions } = this;
    const { n, h, w, pixels } = this.size;
    const index = new Int32Array(positions * tiles);
    let k = 0;
    for (let a = -1; a <= m; a++) {
      for (let b = -1; b <= m; b++) {
        for (let image = 0; image < n; image++) {
          for (let y = a; y < h + a; y += m) {
            for (let x = b; x < w + b; x += m) {
              index[k++] = y < 0 || y >= h || x < 0 || x >= w ? pixels : position(image, y * w + x);
            }
          }
        }
      }
    }
    return index;
  }

  /**
   * Runs of places that are shared by equally many tiles, one after the other in tile order; for each run its terms, each a
   * list of rows of the spread dV, one a pixel.
   */
  private overlaps(): Int32Array[][] {
    const { m, tiles, positions } = this;
    const index = this.windows(pixelOrder(this.size, m).position);
    const lists: number[][] = Array.from({ length: this.size.pixels }, () => []);
    index.forEach((pixel, row) => pixel < this.size.pixels && lists[pixel].push(row));
    const blocks = Array.from({ length: m * m }, (_, i) => lists.slice(i * tiles, (i + 1) * tiles));
    const depth = (block: number[][]) => block.reduce((most, list) => Math.max(most, list.length), 0);
    const runs: { depth: number; pixels: number[][] }[] = [];
    for (const block of blocks) {
      const last = runs.at(-1);
      if (last?.depth === depth(block)) last.pixels.push(...block);
      else runs.push({ depth: depth(block), pixels: [...block] });
    }
    return runs.map(({ depth: terms, pixels }) =>
      Array.from({ length: terms }, (_, k) =>
        Int32Array.from(pixels, (list) => list[k] ?? positions * tiles),
      ),
    );
  }
}

function winograd(m: number) {
  const name = `winograd${m}`;
  const applies = (x: Value, kernel: readonly unknown[], attrs: Partial<ConvAttributes>) => {
    const { strides, pads, dilations, group } = attrs as ConvAttributes;
    const ones = [...strides, ...dilations, ...pads, group].every((value) => value === 1);
    if (!ones || !isStaticImage(x) || kernel.join() !== '3,3') return false;
    const { h, w } = imageSize(x);
    return h % m === 0 && w % m === 0;
  };
  const forward: Spelling = {
    name,
    tile: m,
    when: ([x, w], attrs) => applies(x, w.shape.slice(2), attrs),
    spell: (context, [x, w]) => {
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
  const inputGradient: Spelling = {
    name,
    when: ([dy, w], attrs) => applies(dy, w.shape.slice(2), attrs),
    spell: (context, [dy, w]) => {
      const size = imageSize(dy);
      const tiling = new Tiling(context, m, size, dy.dtype);
      const [o, c] = w.shape as number[];
      const { rows, scale } = scaledRows(context, dy, tiling.positions * c);
      const u = transformedKernel(context, tiling, w);
      const scaled = scale ? mul(u, reshape(scale, [o, 1])) : u;
      return [asRows(tiling.inputGradient(matmul(transformedGradient(context, tiling, rows), scaled)))];
    },
  };
  const weightGradient: Spelling = {
    name,
    when: ([x], attrs) => applies(x, attrs.kernelShape as readonly number[], attrs),
    spell: (context, [x, dy]) => {
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
const MIN_CHANNELS = 64;

/** Fewer rows than these leave the runtime's product kernel idle: then F(2x2), with four times the tiles, is faster. */
const MIN_TILES = 64;

/** Whether F(m x m) is the best for a map [N, C, H, W] and `o` other channels: F(4x4) where there are enough tiles, else F(2x2). */
export const prefersWinograd =
  (m: number): Condition =>
  ([a, b], attrs, options) => {
    if (options.provider !== 'cpu' || options.without?.includes('winograd')) return false;
    // The three composites' operands are (x, w), (dy, w), (x, dy); axis 1 and 0 or 1 of the second hold the channels.
    const [n, c, h, w] = a.shape as number[];
    const other = Math.min(b.shape[0] as number, b.shape[1] as number);
    const channels = attrs.kernelShape ? Math.min(c, b.shape[1] as number) : Math.min(c, other);
    if (channels < MIN_CHANNELS) return false;
    const tiles = (n * h * w) / 16;
    const fits = h % 4 === 0 && w % 4 === 0 && tiles >= MIN_TILES && options.precision === 'fast';
    return m === (fits ? 4 : 2);
  };
