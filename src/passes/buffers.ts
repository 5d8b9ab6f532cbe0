/**
 * Forward's buffers are free before backward begins.
 *
 * ONNX Runtime plans before it runs: the buffer of a dead value goes to the next value with the same list of axes, however
 * much later that one is made, and stays allocated in between. So what forward leaves behind would lie idle when memory is
 * scarcest, at the start of backward. Here large values that die in forward get a leading axis of 1: no gradient can ask
 * for their buffers, and the arena has them back. The reshapes are views, the numbers are the same bits.
 */
import type { Graph, Attributes, Node, Value } from '../graph/graph';
import { sameShape, type Shape } from '../graph/shape';
import { readsOf } from '../graph/subgraph';
import { DTYPES } from '../tensors/dtype';
import { reshape } from '../ops/shape';
import { bytesOf, peakBytes, storageOf } from './cost';
import { removeDeadCode } from './deadCode';
import { rewrite } from './rewrite';

/** Values under this fraction of the peak do not matter. */
const SMALL = 1 / 1000;

const wide = (shape: Shape): Shape => [1, ...shape];

/** `x` with a leading axis of 1, without a second view where it is the view of such a one. */
const widen = (x: Value): Value => view(x, wide(x.shape));

function view(x: Value, shape: Shape): Value {
  const [source] = x.node?.op.type === 'Reshape' ? x.node.inputs : [];
  return source && sameShape(source.shape, shape) ? source : reshape(x, shape);
}

interface Call {
  readonly inputs: readonly (Value | null)[];
  readonly attrs: Attributes;
}

/** The operands and attributes with which `node` gives its result with a leading axis of 1, or null where it cannot. */
function widened({ op, attrs, outputs: [output] }: Node, inputs: readonly (Value | null)[]): Call | null {
  const [a, b] = inputs;
  if (op.definition.elementwise && !op.definition.view) {
    return { inputs: inputs.map((v) => (v && sameShape(v.shape, output.shape) ? widen(v) : v)), attrs };
  }
  if (op.type === 'Gather' && attrs.axis === 0 && a && b) return { inputs: [a, widen(b)], attrs };
  if (op.type === 'Concat')
    return { inputs: inputs.map((v) => v && widen(v)), attrs: { ...attrs, axis: Number(attrs.axis) + 1 } };
  if (op.type === 'MatMul' && a && b && a.rank === 2 && b.rank === 2) {
    // A transposed operand is the runtime's to fuse, which takes it as it is.
    return [a, b].some((v) => v.node?.op.type === 'Transpose') ? null : { inputs: [a, widen(b)], attrs };
  }
  return null;
}

/** A buffer's size class for the runtime's plan: bytes of an element and the axes. */
const sizeClass = ({ dtype, shape }: Value) => `${DTYPES[dtype].bytes}:${shape.join(',')}`;

/** The lowered training graph with no buffer that waits from forward to backward. */
export function separateBuffers(graph: Graph): Graph {
  const root = storageOf(graph);
  const smallest = peakBytes(graph) * SMALL;
  const wanted = new Set<string>();
  const kept = new Set<Value>(graph.outputs.map(({ value }) => root(value)));
  for (const node of graph.nodes) {
    if (node.phase === 'forward') continue;
    readsOf(node).forEach((value) => kept.add(root(value)));
    node.outputs.forEach((output) => root(output) === output && wanted.add(sizeClass(output)));
  }
  const waits = (value: Value) =>
    bytesOf(value) >= smallest && !kept.has(value) && root(value) === value && wanted.has(sizeClass(value));

  const separated = rewrite(graph, (node, inputs, target) => {
    const [output] = node.outputs;
    const call = node.phase === 'forward' && waits(output) ? widened(node, inputs) : null;
    if (!call) return null;
    const type = { dtype: output.dtype, shape: wide(output.shape) };
    const [made] = target.addNode(node.op, call.inputs, call.attrs, [type]);
    return [reshape(made, output.shape)];
  });
  return removeDeadCode(separated);
}
