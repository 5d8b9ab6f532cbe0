/**
 * Mixed precision by the rules of PyTorch's autocast, on a graph of composites: products in float16, what only moves or
 * adds their results too, everything else in float32.
 *
 * A value lives in one precision and is cast on demand, once: a weight's float16 copy serves forward and gradient. Inputs
 * and outputs of the graph keep their dtype. Which operator computes in which precision is its trait (`half`).
 */
import { float16Bits } from '../tensors/float16';
import type { Graph, Node, Value } from '../graph/graph';
import { cast } from '../ops/elementwise';
import { copyAttributes, rewrite } from './rewrite';

/** A float32 graph of composites -> the same graph with float16 inside. Products of other dtypes stay as they are. */
export const mixedPrecision = (graph: Graph): Graph => inHalf(graph, isAutocast);

/** A float32 graph -> the same graph with float16 inside: in every node with an operand of floats. */
export const halfPrecision = (graph: Graph): Graph => inHalf(graph, (_node, floats) => floats.length > 0);

/** `isHalf`: whether a node computes in float16, given its float32 operands as they are in the new graph. */
function inHalf(graph: Graph, isHalf: (node: Node, floats: readonly Value[]) => boolean): Graph {
  const copies = new Map<Value, Value>();
  const convert = (value: Value, to: 'float16' | 'float32'): Value => {
    if (value.dtype === to) return value;
    let copy = copies.get(value);
    if (!copy) {
      copy = value.constant && to === 'float16' ? halfConstant(value) : cast(value, to);
      copies.set(value, copy);
    }
    return copy;
  };
  return rewrite(
    graph,
    (node, inputs, target, translate) => {
      const floats = inputs.filter((v, i): v is Value => !!v && node.inputs[i]?.dtype === 'float32');
      const half = isHalf(node, floats);
      const operands = inputs.map((v, i) =>
        v && node.inputs[i]?.dtype === 'float32' ? convert(v, half ? 'float16' : 'float32') : v,
      );
      const types = node.outputs.map(({ dtype, shape }) => ({
        dtype: half && dtype === 'float32' ? ('float16' as const) : dtype,
        shape,
      }));
      // Bodies of control flow compute in float32.
      const around = (v: Value) => (v.dtype === 'float32' ? convert(translate(v), 'float32') : translate(v));
      const outputs = target.copy(node, operands, types, copyAttributes(node, target, around));
      const trait = node.op.definition.half;
      const rounds = typeof trait === 'object' && inputs[trait.rounds]?.dtype === 'float16';
      return rounds ? [cast(outputs[0], 'float16'), ...outputs.slice(1)] : outputs;
    },
    undefined,
    (value) => (value.dtype === 'float16' ? convert(value, 'float32') : value),
  );
}

/** The rule of autocast. */
function isAutocast({ op, outputs }: Node, floats: readonly Value[]): boolean {
  if (floats.length === 0 || outputs[0].dtype !== 'float32') return false;
  if (op.definition.half === 'always') return true;
  const computed = floats.filter((v) => !v.constant);
  return (
    op.definition.half === 'follows' && computed.length > 0 && computed.every((v) => v.dtype === 'float16')
  );
}

function halfConstant(value: Value): Value {
  const { graph, shape, constant } = value;
  const data = Uint16Array.from(constant as Float32Array, float16Bits);
  const half = graph.tensor('float16', shape as number[], data);
  const name = graph.labels.get(value);
  return name === undefined ? half : graph.label(name, half);
}
