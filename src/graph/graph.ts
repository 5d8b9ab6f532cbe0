/** The graph under construction: inputs, constants, nodes in topological order, named outputs. */
import { allocate, DTYPES, type DType, type TypedArray } from '../onnx/dtype';
import { float16Bits } from '../onnx/float16';
import type { Op } from './op';
import { sizeOf } from './shape';
import { Value, type Attributes, type Node, type Shape, type TensorType } from './value';

export interface GraphOutput {
  readonly name: string;
  readonly value: Value;
}

export class Graph {
  readonly inputs: Value[] = [];
  readonly nodes: Node[] = [];
  readonly outputs: GraphOutput[] = [];
  private readonly scopes: string[] = [];
  private readonly ports = new Map<string, 'input' | 'output'>();

  constructor(readonly name: string) {}

  get currentScope(): string {
    return this.scopes.map((s) => `/${s}`).join('');
  }

  /** Runs `body` with `name` appended to the scope of the nodes it makes. A name may itself hold slashes. */
  scope<T>(name: string, body: () => T): T {
    const parts = name.split('/').filter((part) => part !== '');
    this.scopes.push(...parts);
    try {
      return body();
    } finally {
      this.scopes.length -= parts.length;
    }
  }

  input(name: string, dtype: DType, shape: Shape): Value {
    this.claim(name, 'input');
    const value = new Value(this, dtype, shape, { kind: 'input', name });
    this.inputs.push(value);
    return value;
  }

  output(name: string, value: Value): void {
    if (value.graph !== this) throw new Error(`graph output ${name}: the value belongs to another graph`);
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
    const data = allocate(dtype, numbers.length);
    const wide = DTYPES[dtype].bytes === 8 && dtype !== 'float64';
    const half = dtype === 'float16';
    for (let i = 0; i < numbers.length; i++) {
      data[i] = wide ? BigInt(numbers[i]) : half ? float16Bits(numbers[i]) : numbers[i];
    }
    return this.tensor(dtype, shape, data);
  }

  scalar(number: number, dtype: DType): Value {
    return this.constant(dtype, [], [number]);
  }

  /** A one-dimensional int64 constant: axes, shapes, pads. */
  ints(numbers: readonly number[]): Value {
    return this.constant('int64', [numbers.length], numbers);
  }

  addNode(
    op: Op,
    inputs: readonly (Value | null)[],
    attrs: Attributes,
    types: readonly TensorType[],
    scope = this.currentScope,
    origin?: Error,
  ): Value[] {
    const outputs: Value[] = [];
    const node: Node = { op, inputs, outputs, attrs, scope, origin: origin ?? new Error('built here') };
    types.forEach((type, index) => {
      outputs.push(new Value(this, type.dtype, type.shape, { kind: 'node', node, index }));
    });
    this.nodes.push(node);
    return outputs;
  }
}

export function inputName(value: Value): string {
  if (value.source.kind !== 'input') throw new Error('not a graph input');
  return value.source.name;
}

/** The line of the user's code that made a node: the first frame outside of the builder's own rooms. */
export function builtAt(node: Node): string {
  const frames = (node.origin.stack ?? '').split('\n').slice(1);
  const own = /[\\/]src[\\/](graph|ops|autodiff|passes|lowering)[\\/]|node:internal/;
  return (frames.find((frame) => !own.test(frame)) ?? frames[0] ?? 'unknown').trim().replace(/^at /, '');
}
