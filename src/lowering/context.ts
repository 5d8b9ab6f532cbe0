/**
 * The state of one lowering: which physical tensors hold each logical value.
 *
 * A logical value of rank 4 is NCHW. Physically it is `plain` (NCHW as it stands) or `rows`: a matrix [N*H*W, C], channels
 * last, pixels row-major. A spelling asks for its inputs in the layout it wants; a conversion is made on first demand and
 * kept, so a value that was made in `rows` is never converted back and forth.
 */
import type { Graph } from '../graph/graph';
import type { Value } from '../graph/value';
import { reshape, transpose } from '../ops/shape';

export type Layout = 'plain' | 'rows';
export type Provider = 'cpu' | 'cuda' | 'webgpu';

export interface LoweringOptions {
  readonly provider: Provider;
  readonly precision: 'exact' | 'fast';
  /** Composite type -> name of the spelling to take instead of the rule table's choice. */
  readonly spellings?: Readonly<Record<string, string>>;
}

export interface Physical {
  readonly layout: Layout;
  readonly value: Value;
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

export class Lowering {
  private readonly physical = new Map<Value, Map<Layout, Value>>();

  constructor(
    readonly target: Graph,
    readonly options: LoweringOptions,
  ) {}

  set(logical: Value, { layout, value }: Physical): void {
    this.physical.set(logical, new Map([[layout, value]]));
  }

  has(logical: Value, layout: Layout): boolean {
    return this.physical.get(logical)?.has(layout) ?? false;
  }

  /** The value as it stands logically. */
  plain(logical: Value): Value {
    return this.get(logical, 'plain', (rows) => {
      const { n, c, h, w } = imageSize(logical);
      return transpose(reshape(rows, [n, h, w, c]), [0, 3, 1, 2]);
    });
  }

  /** The value as a matrix [N*H*W, C]. */
  rows(logical: Value): Value {
    return this.get(logical, 'rows', (plain) => {
      const { c, pixels } = imageSize(logical);
      return reshape(transpose(plain, [0, 2, 3, 1]), [pixels, c]);
    });
  }

  private get(logical: Value, layout: Layout, convert: (other: Value) => Value): Value {
    let layouts = this.physical.get(logical);
    if (!layouts && logical.constant) {
      const value = this.target.tensor(logical.dtype, logical.shape as number[], logical.constant);
      layouts = new Map([['plain', value]]);
      this.physical.set(logical, layouts);
    }
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

/** How one composite is written in ONNX operators. */
export interface Spelling {
  readonly name: string;
  /** Whether it can be used for this node. */
  readonly when: (
    inputs: readonly Value[],
    attrs: Readonly<Record<string, unknown>>,
    options: LoweringOptions,
  ) => boolean;
  /** One physical tensor an output, in order; null for outputs that are not made because nothing can use them. */
  readonly spell: (
    context: Lowering,
    inputs: readonly Value[],
    attrs: never,
    outputs: readonly Value[],
  ) => readonly Physical[];
}

export const plainly = (value: Value): Physical => ({ layout: 'plain', value });
export const asRows = (value: Value): Physical => ({ layout: 'rows', value });
