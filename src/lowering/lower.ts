/** Lowering: a graph of composites -> a graph of ONNX operators. */
import { Graph, inputName, type Value } from '../graph/graph';
import { imageSize, Lowering, type LoweringOptions } from './context';
import { copyNode } from './elementwise';
import { fuse } from './fusion';
import { addInGemm } from './rows/residual';
import { choose } from './rules';

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
  lowerInto(graph, context);
  return context.uses('residualGemm') ? addInGemm(target) : target;
}

function lowerInto(graph: Graph, context: Lowering): void {
  const { target, options } = context;
  for (const input of graph.inputs) {
    context.set(input, { layout: 'plain', value: target.input(inputName(input), input.dtype, input.shape) });
  }
  const lowerBody = (body: Graph): Graph => {
    const inner = new Lowering(new Graph(body.name, target), options, new Map(), context);
    lowerInto(body, inner);
    return inner.target;
  };
  for (const node of graph.nodes) {
    const physical = target.instead(node, () =>
      node.op.definition.composite
        ? choose(node, options).build(context, node.inputs as Value[], node.attrs as never, node.outputs)
        : copyNode(node, context, lowerBody),
    );
    node.outputs.forEach((output, i) => context.set(output, physical[i]));
  }
  for (const [value, name] of graph.labels)
    if (context.has(value, 'plain')) target.label(name, context.plain(value));
  for (const { name, value } of graph.outputs) target.output(name, context.plain(value));
}
