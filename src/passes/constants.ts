/** Constant folding and the algebra that needs no numbers: x + 0, x * 1, Reshape of Reshape, Transpose of Transpose. */
import { allocate, type DType, type TypedArray, sizeOf } from '../tensors/dtype';
import { float16Bits } from '../tensors/float16';
import type { Graph, Node, Value } from '../graph/graph';
import { sameShape } from '../graph/shape';
import { reshape, transpose } from '../ops/shape';
import { rewrite } from './rewrite';

/** Larger results stay computed: a file should hold structure, not arithmetic. */
const MAX_ELEMENTS = 1 << 16;

const isFloat = (dtype: DType) => dtype === 'float32' || dtype === 'float64';

/** Element strides of `shape` broadcast to `to`: 0 along broadcast axes. */
function broadcastStrides(shape: readonly number[], to: readonly number[]): number[] {
  const lead = to.length - shape.length;
  return to.map((_, i) => (i < lead || shape[i - lead] === 1 ? 0 : sizeOf(shape.slice(i - lead + 1))));
}

/** Elementwise evaluation with broadcasting; float32 results are rounded as the array stores them. */
function evaluate(node: Node, inputs: readonly Value[]): TypedArray | null {
  const { evaluate: operation } = node.op.definition;
  const [output] = node.outputs;
  if (!operation || ![output, ...inputs].every((v) => isFloat(v.dtype))) return null;
  const shape = output.shape as number[];
  const result = allocate(output.dtype, sizeOf(shape));
  const operands = inputs.map((v) => ({
    data: v.constant as Float32Array | Float64Array,
    strides: broadcastStrides(v.shape as number[], shape),
  }));
  const inner = shape.map((_, i) => sizeOf(shape.slice(i + 1)));
  const at = (strides: readonly number[], flat: number) =>
    strides.reduce((sum, stride, i) => sum + (Math.floor(flat / inner[i]) % shape[i]) * stride, 0);
  for (let i = 0; i < result.length; i++) {
    const [a, b] = operands.map(({ data, strides }) => data[at(strides, i)]);
    result[i] = operation(a, b);
  }
  return result;
}

const isScalarConstant = (value: Value | null | undefined, number: number) =>
  value?.constant?.length === 1 &&
  Number(value.constant[0]) === (value.dtype === 'float16' ? float16Bits(number) : number);

/** The input that the node only passes on, or null. */
function passedOn(node: Node, inputs: readonly (Value | null)[]): Value | null {
  const [a, b] = inputs;
  const keeps = (v: Value | null | undefined) => !!v && sameShape(v.shape, node.outputs[0].shape);
  const { first, second } = node.op.definition.neutral ?? {};
  if (second !== undefined && isScalarConstant(b, second) && keeps(a)) return a;
  return first !== undefined && isScalarConstant(a, first) && keeps(b) ? b : null;
}

export function foldConstants(graph: Graph): Graph {
  return rewrite(graph, (node, inputs, target) => {
    const [first] = inputs;
    const [output] = node.outputs;
    const same = passedOn(node, inputs);
    if (same) return [same];
    if (node.op.type === 'Reshape' && first?.node?.op.type === 'Reshape') {
      const [origin] = first.node.inputs;
      if (origin) return [reshape(origin, output.shape)];
    }
    if (node.op.type === 'Transpose' && first?.node?.op.type === 'Transpose') {
      const [origin] = first.node.inputs;
      const inner = first.node.attrs.perm as readonly number[];
      const outer = node.attrs.perm as readonly number[];
      const perm = outer.map((p) => inner[p]);
      if (origin) return [transpose(origin, perm)];
    }
    const constants = inputs.every((input) => input?.constant);
    const small = output.shape.every((d) => typeof d === 'number') && sizeOf(output.shape) <= MAX_ELEMENTS;
    if (!constants || !small || node.outputs.length !== 1) return null;
    if (node.op.type === 'Reshape') {
      return [target.tensor(output.dtype, output.shape, (first as Value).constant as TypedArray)];
    }
    const data = evaluate(node, inputs as Value[]);
    return data ? [target.tensor(output.dtype, output.shape, data)] : null;
  });
}
