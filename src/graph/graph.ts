/**
 * The graph under construction: values (typed edges), nodes (operator calls in topological order), and what an operator is.
 * They name one another, so they are one file.
 */
import { fromNumbers, sizeOf, type DType, type TypedArray } from '../tensors/dtype';
import type { Shape, TensorType } from './shape';
import type { Traits } from './traits';

/** ONNX attribute names verbatim; `undefined` leaves an attribute to its ONNX default. A graph is a body of `Loop` or `If`. */
export type AttributeValue = number | string | readonly number[] | Graph | undefined;
export type Attributes = Readonly<Record<string, AttributeValue>>;

/** What a rule computes for one input when asked; null where the operator has no gradient for it. */
export type GradientThunk = (() => Value) | null;

export interface OpDefinition<A extends Attributes = Attributes> extends Traits {
  /** Output types from input types; throws an Error that says what is expected. null stands for an absent optional input. */
  infer(inputs: readonly TensorType[], attrs: A): readonly TensorType[];
  /**
   * Vector-Jacobian product: cotangents of the outputs -> one thunk per input. Written with public ops; broadcasting is
   * undone by the reverse walk. A cotangent that nothing asked for is a zero tensor.
   */
  readonly vjp?: (
    dys: readonly Value[],
    inputs: readonly Value[],
    outputs: readonly Value[],
    attrs: A,
  ) => readonly GradientThunk[];
  /** How each attribute is written in ONNX; `builder`: not at all, it is for type inference alone. */
  readonly attributes?: Readonly<
    Record<string, 'int' | 'ints' | 'float' | 'string' | 'dtype' | 'graph' | 'builder'>
  >;
  /**
   * The attributes as the builder has them from those of a file: with ONNX's own values for what it leaves out, axes counted
   * from the front, sizes worked out.
   */
  readonly complete?: (attrs: Partial<A>, inputs: readonly TensorType[]) => A;
  /**
   * Integer-list attributes that ONNX takes as constant inputs after the one operand (axes, shapes, pads). As attributes, rules
   * and passes can read them; emission turns them into inputs. A symbolic size in a shape is written as -1.
   */
  readonly constantInputs?: readonly string[];
  /** The opset from which on they are inputs; before it they are attributes. Absent: always were. */
  readonly inputsSince?: number;
  readonly composite?: boolean;
}

/** What a graph knows of an operator; `defineOp` makes one (op.ts). */
export interface Operator {
  /** ONNX's name, or the composite's own */
  readonly type: string;
  readonly definition: OpDefinition;
}

export interface Node {
  readonly op: Operator;
  readonly inputs: readonly (Value | null)[];
  readonly outputs: readonly Value[];
  readonly attrs: Attributes;
  /** Slash-separated place in the network, such as `/layer1/0/conv1`. */
  readonly scope: string;
  readonly phase: Phase;
  /** Captured where the node was made; read its stack only to report an error. */
  readonly origin: Error;
}

/** What part of a training step a node belongs to. */
export type Phase = 'forward' | 'gradient' | 'optimizer';

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

export interface GraphOutput {
  readonly name: string;
  readonly value: Value;
}

interface Place extends Pick<Node, 'scope' | 'phase'> {
  readonly origin: Error | null;
}

export class Graph {
  readonly inputs: Value[] = [];
  readonly nodes: Node[] = [];
  readonly outputs: GraphOutput[] = [];
  private readonly ports = new Map<string, 'input' | 'output'>();
  /** of the nodes that are made now; `origin` null: where they are made */
  private place: Place = { scope: '', phase: 'forward', origin: null };

  private readonly names = new Map<Value, string>();

  /** `outer`: the graph whose values a body of `Loop` or `If` may take too. */
  constructor(
    readonly name: string,
    readonly outer: Graph | null = null,
  ) {}

  /** Whether this is `other` or lies in it. */
  isIn(other: Graph): boolean {
    return this === other || (this.outer?.isIn(other) ?? false);
  }

  /** Gives a value the name that it has in the file: a weight, or a point that others ask for. The first one stays. */
  label(name: string, value: Value): Value {
    if (!this.names.has(value)) this.names.set(value, name);
    return value;
  }

  /** The values with names of their own; inputs and outputs are not among them. */
  get labels(): ReadonlyMap<Value, string> {
    return this.names;
  }

  get currentScope(): string {
    return this.place.scope;
  }

  private inside<T>(place: Partial<Place>, body: () => T): T {
    const before = this.place;
    this.place = { ...before, ...place };
    try {
      return body();
    } finally {
      this.place = before;
    }
  }

  /** Runs `body` with `name` appended to the scope of the nodes it makes. A name may itself hold slashes. */
  scope<T>(name: string, body: () => T): T {
    const parts = name.split('/').filter((part) => part !== '');
    return this.inside({ scope: [this.place.scope, ...parts].join('/') }, body);
  }

  /** Runs `body`, whose nodes belong to `phase`. */
  phase<T>(phase: Phase, body: () => T): T {
    return this.inside({ phase }, body);
  }

  /** Runs `body`, whose nodes take the place of `node`, of this graph or another: they have its scope, phase and origin. */
  instead<T>({ scope, phase, origin }: Node, body: () => T): T {
    return this.inside({ scope, phase, origin }, body);
  }

  input(name: string, dtype: DType, shape: Shape): Value {
    this.claim(name, 'input');
    const value = new Value(this, dtype, shape, { kind: 'input', name });
    this.inputs.push(value);
    return value;
  }

  output(name: string, value: Value): void {
    if (!this.isIn(value.graph)) throw new Error(`graph output ${name}: the value belongs to another graph`);
    this.claim(name, 'output');
    this.outputs.push({ name, value });
  }

  /** ONNX has one space of names for inputs and outputs. */
  private claim(name: string, what: 'input' | 'output'): void {
    const owner = this.ports.get(name);
    if (owner) throw new Error(`graph ${what} ${name}: the name is taken by an ${owner}`);
    this.ports.set(name, what);
  }

  /** A constant from its typed array. */
  tensor(dtype: DType, shape: readonly number[], data: TypedArray): Value {
    if (data.length !== sizeOf(shape)) {
      throw new Error(`constant of shape [${shape.join(', ')}] got ${data.length} elements`);
    }
    return new Value(this, dtype, shape, { kind: 'constant', data });
  }

  /** A constant from plain numbers, row-major. */
  constant(dtype: DType, shape: readonly number[], numbers: ArrayLike<number>): Value {
    return this.tensor(dtype, shape, fromNumbers(dtype, numbers));
  }

  scalar(number: number, dtype: DType): Value {
    return this.constant(dtype, [], [number]);
  }

  /** A one-dimensional int64 constant: axes, shapes, pads. */
  ints(numbers: readonly number[]): Value {
    return this.constant('int64', [numbers.length], numbers);
  }

  addNode(
    op: Operator,
    inputs: readonly (Value | null)[],
    attrs: Attributes,
    types: readonly TensorType[],
  ): Value[] {
    const outputs: Value[] = [];
    const origin = this.place.origin ?? new Error('built here');
    const node: Node = { op, inputs, outputs, attrs, ...this.place, origin };
    types.forEach((type, index) => {
      outputs.push(new Value(this, type.dtype, type.shape, { kind: 'node', node, index }));
    });
    this.nodes.push(node);
    return outputs;
  }

  /** `node` of another graph on `inputs` of this one. */
  copy(
    node: Node,
    inputs: readonly (Value | null)[],
    types: readonly TensorType[] = node.outputs.map(({ type }) => type),
    attrs: Attributes = node.attrs,
  ): Value[] {
    return this.instead(node, () => this.addNode(node.op, inputs, attrs, types));
  }
}

export function inputName(value: Value): string {
  if (value.source.kind !== 'input') throw new Error('not a graph input');
  return value.source.name;
}
