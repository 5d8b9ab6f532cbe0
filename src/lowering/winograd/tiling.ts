/** The linear maps around Winograd's products, as operators: into and out of tiles, forward and backward. */
import type { Value } from '../../graph/graph';
import { add } from '../../ops/elementwise';
import { gather } from '../../ops/gather';
import { gemm, matmul } from '../../ops/matmul';
import { concat, reshape } from '../../ops/shape';
import type { ImageSize, Lowering } from '../context';
import { pixelOrder, tilePlaces } from './tileOrder';
import { withZeroRow } from '../rows/rows';
import { square, TRANSFORMS, transposed, type Matrix } from './matrices';

/** One convolution's sizes and its transforms as constants of the graph. */
export class Tiling {
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
    const { pixels } = this.size;
    const counts = new Uint8Array(pixels);
    const terms: Int32Array[] = [];
    this.windows(pixelOrder(this.size, m).position).forEach((pixel, row) => {
      if (pixel === pixels) return;
      const term = counts[pixel]++;
      terms[term] ??= new Int32Array(pixels).fill(positions * tiles);
      terms[term][pixel] = row;
    });
    const runs: { depth: number; from: number; to: number }[] = [];
    for (let from = 0; from < pixels; from += tiles) {
      const depth = counts.subarray(from, from + tiles).reduce((most, count) => Math.max(most, count), 0);
      const last = runs.at(-1);
      if (last?.depth === depth) last.to += tiles;
      else runs.push({ depth, from, to: from + tiles });
    }
    return runs.map(({ depth, from, to }) => terms.slice(0, depth).map((rows) => rows.slice(from, to)));
  }
}
