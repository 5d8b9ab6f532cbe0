/** Values (typed edges) and nodes (operator calls) of a graph. */
import type { DType, TypedArray } from '../onnx/dtype';
import type { Dim } from '../onnx/model';
import type { Graph } from './graph';
import type { Op } from './op';

export type Shape = readonly Dim[];

export interface TensorType {
  readonly dtype: DType;
  readonly shape: Shape;
}

/** ONNX attribute names verbatim; `undefined` leaves an attribute to its ONNX default. */
export type AttributeValue = number | string | readonly number[] | undefined;
export type Attributes = Readonly<Record<string, AttributeValue>>;

export interface Node {
  readonly op: Op;
  readonly inputs: readonly (Value | null)[];
  readonly outputs: readonly Value[];
  readonly attrs: Attributes;
  /** Slash-separated place in the network, such as `/layer1/0/conv1`. */
  readonly scope: string;
  /** Captured where the node was made; read its stack only to report an error. */
  readonly origin: Error;
}

export type Source =
  | { readonly kind: 'input'; readonly name: string }
  | { readonly kind: 'constant'; readonly data: TypedArray }
  | { readonly kind: 'node'; readonly node: Node; readonly index: number };

/** A tensor in a graph: a graph input, a constant, or an output of a node. */
export class Value {
  constructor(
    readonly graph: Graph,
    readonly dtype: DType,
    readonly shape: Shape,
    readonly source: Source,
  ) {}

  get type(): TensorType {
    return { dtype: this.dtype, shape: this.shape };
  }

  get rank(): number {
    return this.shape.length;
  }

  /** The constant's elements, or null where the value is not constant. */
  get constant(): TypedArray | null {
    return this.source.kind === 'constant' ? this.source.data : null;
  }

  get node(): Node | null {
    return this.source.kind === 'node' ? this.source.node : null;
  }
}

export const formatShape = (shape: Shape) => `[${shape.join(', ')}]`;
export const formatType = (type: TensorType) => `${type.dtype}${formatShape(type.shape)}`;
