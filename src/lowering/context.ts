/**
 * The state of one lowering: which physical tensors hold each logical value.
 *
 * A logical value of rank 4 is NCHW. Physically it is `plain` (NCHW as it stands) or `rows`: a matrix [N*H*W, C], channels
 * last, in the pixel order of its map size (winograd/tileOrder.ts). An implementation asks for its inputs in the layout it wants; a conversion
 * is made on first demand and kept, so a value that was made in `rows` is never converted back and forth.
 *
 * Rows may come with a pending factor per channel, `scale` [C]: the value is rows * scale. Who consumes a value linearly
 * (a convolution's gradients) takes both and puts the factor into its small operand; everyone else gets the product.
 */
import type { Provider } from '../base/providers';
import type { Graph, Value } from '../graph/graph';
import { gather } from '../ops/gather';
import { reshape, transpose } from '../ops/shape';
import { pixelOrder, reorder, type MapSize, type PixelOrder } from './winograd/tileOrder';
import type { Optimization } from './optimizations';

export type Layout = 'plain' | 'rows';

export interface LoweringOptions {
  readonly provider: Provider;
  readonly precision: 'exact' | 'fast';
  /** Composite type -> name of the implementation to take instead of the rule table's choice. */
  readonly implementations?: Readonly<Record<string, string>>;
  /** Signature of a node (rules.ts) -> name of the implementation that was measured to be the fastest. */
  readonly tuned?: ReadonlyMap<string, string>;
  /** Optimizations that are not to be used. */
  readonly without?: readonly Optimization[];
}

export interface Physical {
  readonly layout: Layout;
  readonly value: Value;
  /** `rows` only: [C], where the value is `value * scale`; `product` makes that for who needs it */
  readonly pending?: { readonly scale: Value; readonly product: () => Value };
}

export interface ScaledRows {
  readonly rows: Value;
  readonly scale: Value | null;
}

/** Sizes of a rank-4 value; N, H and W are static wherever `rows` is used. */
export interface ImageSize {
  readonly n: number;
  readonly c: number;
  readonly h: number;
  readonly w: number;
  /** n * h * w, the number of rows */
  readonly pixels: number;
}

export function imageSize(value: Value): ImageSize {
  const [n, c, h, w] = value.shape as number[];
  return { n, c, h, w, pixels: n * h * w };
}

export const isStaticImage = (value: Value) =>
  value.rank === 4 && value.shape.every((d) => typeof d === 'number');

const sizeKey = ({ n, h, w }: MapSize) => `${n}x${h}x${w}`;

export class Lowering {
  private readonly physical = new Map<Value, Map<Layout, Value>>();
  private readonly pending = new Map<Value, Required<Physical>>();
  private readonly kept = new Map<string, Value>();
  private readonly numbers = new Map<Value, number>();
  private readonly orders = new Map<string, PixelOrder>();

  constructor(
    readonly target: Graph,
    readonly options: LoweringOptions,
    /** Tile of a map's pixel order, by `NxHxW`; 1 where there is none. */
    private readonly tiles: ReadonlyMap<string, number> = new Map(),
    /** Of the graph around, for a body of `Loop` or `If`: its values keep their layouts and orders. */
    private readonly outer: Lowering | null = null,
  ) {}

  uses(optimization: Optimization): boolean {
    return !this.options.without?.includes(optimization);
  }

  set(logical: Value, { layout, value, pending }: Physical): void {
    if (pending) this.pending.set(logical, { layout, value, pending });
    else this.physical.set(logical, new Map([[layout, value]]));
  }

  has(logical: Value, layout: Layout): boolean {
    if (layout === 'rows' && this.pending.has(logical)) return true;
    return this.physical.get(logical)?.has(layout) ?? this.outer?.has(logical, layout) ?? false;
  }

  /** The pixel order of all rows of this map size. */
  order(size: MapSize): PixelOrder {
    if (this.outer) return this.outer.order(size);
    const key = sizeKey(size);
    let order = this.orders.get(key);
    if (!order) this.orders.set(key, (order = pixelOrder(size, this.tiles.get(key) ?? 1)));
    return order;
  }

  /** What `make` computes from `values`, made once for each name. */
  once(name: string, values: readonly Value[], make: () => Value): Value {
    const ids = values.map((value) => {
      const id = this.numbers.get(value) ?? this.numbers.size;
      this.numbers.set(value, id);
      return id;
    });
    const key = `${name} ${ids.join()}`;
    let result = this.kept.get(key);
    if (!result) this.kept.set(key, (result = make()));
    return result;
  }

  /** An int32 index list, made once for each name. */
  index(name: string, make: () => Int32Array): Value {
    return this.once(name, [], () => {
      const data = make();
      return this.target.tensor('int32', [data.length], data);
    });
  }

  /** The value as it stands logically. */
  plain(logical: Value): Value {
    return this.get(logical, 'plain', (rows) => {
      const size = imageSize(logical);
      const { n, c, h, w } = size;
      return transpose(reshape(this.toImageOrder(rows, size), [n, h, w, c]), [0, 3, 1, 2]);
    });
  }

  /** The value as a matrix [N*H*W, C] in its map's pixel order. */
  rows(logical: Value): Value {
    return this.get(logical, 'rows', () => this.fromImageOrder(this.imageRows(logical), imageSize(logical)));
  }

  /** The value as a matrix [N*H*W, C], image by image. */
  imageRows(logical: Value): Value {
    const size = imageSize(logical);
    if (this.has(logical, 'rows')) return this.toImageOrder(this.rows(logical), size);
    return reshape(transpose(this.plain(logical), [0, 2, 3, 1]), [size.pixels, size.c]);
  }

  /** The value's rows and the factor that is still to be applied to them. */
  scaledRows(logical: Value): ScaledRows {
    const made = this.pending.get(logical);
    return made ? { rows: made.value, scale: made.pending.scale } : { rows: this.rows(logical), scale: null };
  }

  /** Rows in the map's order -> image by image. */
  toImageOrder(rows: Value, size: ImageSize): Value {
    return this.reordered(rows, size, this.order(size), pixelOrder(size, 1));
  }

  /** Rows that lie image by image -> the map's order. */
  fromImageOrder(rows: Value, size: ImageSize): Value {
    return this.reordered(rows, size, pixelOrder(size, 1), this.order(size));
  }

  reordered(rows: Value, size: ImageSize, from: PixelOrder, to: PixelOrder): Value {
    if (from.tile === to.tile) return rows;
    const name = `order ${sizeKey(size)} ${from.tile} ${to.tile}`;
    return gather(
      rows,
      this.index(name, () => reorder(size, from, to)),
    );
  }

  private get(logical: Value, layout: Layout, convert: (other: Value) => Value): Value {
    let layouts = this.physical.get(logical);
    const made = this.pending.get(logical);
    if (!layouts && made) {
      layouts = new Map([['rows', made.pending.product()]]);
      this.physical.set(logical, layouts);
    }
    if (!layouts && logical.constant) {
      const value = this.target.tensor(logical.dtype, logical.shape as number[], logical.constant);
      layouts = new Map([['plain', value]]);
      this.physical.set(logical, layouts);
    }
    if (!layouts && this.outer) return this.outer[layout](logical);
    if (!layouts) throw new Error('lowering: a value is used before it is made');
    let value = layouts.get(layout);
    if (!value) {
      const [other] = layouts.values();
      value = convert(other);
      layouts.set(layout, value);
    }
    return value;
  }
}

export type Condition = (
  inputs: readonly Value[],
  attrs: Readonly<Record<string, unknown>>,
  options: LoweringOptions,
) => boolean;

/** How one composite is written in ONNX operators. */
export interface Implementation {
  readonly name: string;
  /** Whether it computes this node at all. */
  readonly when: Condition;
  /** The tile of the pixel order that it works in; a map takes that of its largest convolution. */
  readonly tile?: number;
  /** One physical tensor an output, in order; null for outputs that are not made because nothing can use them. */
  readonly build: (
    context: Lowering,
    inputs: readonly Value[],
    attrs: never,
    outputs: readonly Value[],
  ) => readonly Physical[];
}

export const plainly = (value: Value): Physical => ({ layout: 'plain', value });
export const asRows = (value: Value): Physical => ({ layout: 'rows', value });
