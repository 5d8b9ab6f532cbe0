/**
 * Operators: type inference, gradient and traits of one in one place (`OpDefinition`), and calling it.
 *
 * An operator is either ONNX's own (it becomes one node) or a composite (`composite: true`), which only lowering writes in
 * ONNX operators.
 */
import { Value, type Attributes, type Graph, type OpDefinition, type Operator } from './graph';
import { formatType, type TensorType } from './shape';

/** A value, or a number that becomes a scalar constant of the other operand's dtype. */
export type Operand = Value | number;

export class Op<A extends Attributes = Attributes> {
  constructor(
    readonly type: string,
    readonly definition: OpDefinition<A>,
  ) {}

  /**
   * Adds a node and returns its outputs: to the operands' graph, of those in a body of Loop or If the innermost, or to `place`,
   * which lies in it.
   */
  call(operands: readonly (Operand | null)[], attrs: A, place?: Graph): Value[] {
    const [model, ...others] = operands.filter((o): o is Value => o instanceof Value);
    if (!model) throw new Error(`${this.type}: needs at least one operand that is a Value`);
    const graph =
      place ?? others.reduce<Graph>((inner, { graph: g }) => (g.isIn(inner) ? g : inner), model.graph);
    const inputs = operands.map((o) => (typeof o === 'number' ? graph.scalar(o, model.dtype) : o));
    for (const input of inputs) {
      if (input && !graph.isIn(input.graph))
        throw new Error(`${this.type}: operands belong to different graphs`);
    }
    let types: readonly TensorType[];
    try {
      types = this.definition.infer(inputs as Value[], attrs);
    } catch (error) {
      const got = inputs.map((i) => (i ? formatType(i) : '-')).join(', ');
      const where = graph.currentScope || '/';
      throw new Error(`${this.type} at ${where}: ${(error as Error).message} (got ${got})`, { cause: error });
    }
    return graph.addNode(this as unknown as Operator, inputs, attrs, types);
  }

  /** `call` for an operator with one output. */
  one(operands: readonly (Operand | null)[], attrs: A): Value {
    return this.call(operands, attrs)[0];
  }
}

const registry = new Map<string, Op>();

/** Registers an operator; `type` is ONNX's name, or the composite's own. */
export function defineOp<A extends Attributes>(type: string, definition: OpDefinition<A>): Op<A> {
  if (registry.has(type)) throw new Error(`operator ${type} is defined twice`);
  const op = new Op(type, definition);
  registry.set(type, op as unknown as Op);
  return op;
}

/** Every operator defined so far by type, for tests that must cover them all. */
export const operators: ReadonlyMap<string, Op> = registry;
