/** Lowering: a graph of composites -> a graph of ONNX operators. */
import { Graph, inputName, type Node, type Value } from '../graph/graph';
import { sameShape } from '../graph/shape';
import { sizeOf } from '../tensors/dtype';
import { reshape } from '../ops/shape';
import { commonLayout } from './rows/activation';
import { imageSize, Lowering, plainly, type Layout, type LoweringOptions, type Physical } from './context';
import { fuse } from './fusion';
import { addInGemm } from './rows/residual';
import { choose } from './rules';

/** Elementwise operators, which take whatever layout their operands are in. */
const LAYOUT_FREE = new Set(['Relu', 'Add', 'Sub', 'Mul', 'Div', 'Neg', 'Cast', 'Identity']);

/** The layout for a node that is copied as it stands: `rows` only for elementwise operators on images of one shape. */
function layoutOf(node: Node, inputs: readonly Value[], context: Lowering): Layout {
  const alike = inputs.every((v) => v.rank === 4 && sameShape(v.shape, node.outputs[0].shape));
  return LAYOUT_FREE.has(node.op.type) && alike ? commonLayout(context, inputs) : 'plain';
}

/** Elementwise operators of two operands, which ONNX Runtime computes number by number where the last axes are 1. */
const BINARY = new Set(['Add', 'Sub', 'Mul', 'Div']);

/**
 * x [..., 1, 1] op scalar as a matrix without the axes of 1: 0.2 instead of 6 ms for [2048, 512, 1, 1]. ONNX Runtime's
 * broadcasting takes the last axis for its inner loop, however short.
 */
function withoutUnitAxes(node: Node, inputs: readonly Value[], context: Lowering): Value | null {
  const [output] = node.outputs;
  const isScalar = (v: Value) => v.rank === 0;
  const fits =
    BINARY.has(node.op.type) &&
    context.uses('flatScalars') &&
    inputs.some(isScalar) &&
    output.shape.at(-1) === 1 &&
    output.shape.every((d) => typeof d === 'number');
  if (!fits) return null;
  const size = sizeOf(output.shape);
  const flat = inputs.map((v) => (isScalar(v) ? v : reshape(v, [size])));
  const [result] = context.target.addNode(
    node.op,
    flat,
    node.attrs,
    [{ dtype: output.dtype, shape: [size] }],
    node.scope,
    node.origin,
  );
  return context.target.scope(node.scope, () => reshape(result, output.shape));
}

function copy(node: Node, context: Lowering): Physical[] {
  const inputs = node.inputs.filter((v): v is Value => v !== null);
  const layout = layoutOf(node, inputs, context);
  const mapped = node.inputs.map((v) => v && context[layout](v));
  const flat = layout === 'plain' ? withoutUnitAxes(node, mapped as Value[], context) : null;
  if (flat) return [plainly(flat)];
  const types = node.outputs.map((o) =>
    layout === 'rows' ? { dtype: o.dtype, shape: (mapped[0] as Value).shape } : o.type,
  );
  return context.target
    .addNode(node.op, mapped, node.attrs, types, node.scope, node.origin)
    .map((value) => ({ layout, value }));
}

/** For each map size the tile in whose order its rows lie: that of the largest tiled convolution on it. */
function mapTiles(graph: Graph, options: LoweringOptions): Map<string, number> {
  const best = new Map<string, { tile: number; channels: number }>();
  for (const node of graph.nodes) {
    if (!node.op.definition.composite) continue;
    const { tile } = choose(node, options);
    if (tile === undefined) continue;
    const { n, c, h, w } = imageSize(node.outputs[0]);
    const key = `${n}x${h}x${w}`;
    if (c > (best.get(key)?.channels ?? 0)) best.set(key, { tile, channels: c });
  }
  return new Map([...best].map(([key, { tile }]) => [key, tile]));
}

export function lower(source: Graph, options: LoweringOptions): Graph {
  const graph = fuse(source, options);
  const target = new Graph(graph.name);
  const context = new Lowering(target, options, mapTiles(graph, options));
  for (const input of graph.inputs) {
    context.set(input, { layout: 'plain', value: target.input(inputName(input), input.dtype, input.shape) });
  }
  for (const node of graph.nodes) {
    const physical = node.op.definition.composite
      ? target.scope(node.scope, () =>
          choose(node, options).spell(context, node.inputs as Value[], node.attrs as never, node.outputs),
        )
      : copy(node, context);
    node.outputs.forEach((output, i) => context.set(output, physical[i]));
  }
  for (const { name, value } of graph.outputs) target.output(name, context.plain(value));
  return context.uses('residualGemm') ? addInGemm(target) : target;
}
