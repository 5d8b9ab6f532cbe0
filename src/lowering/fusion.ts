/**
 * Patterns over several composites, replaced before each is lowered.
 *
 * Batch norm right after a widening pointwise convolution, z = W a: its statistics follow from the narrow input's mean and
 * covariance, mean(z) = W m and var(z) = diag(W Cov W'), its factor goes into the weights, and so neither the convolution's
 * output nor its gradient is ever stored.
 */
import { defineOp } from '../graph/op';
import type { Graph, Node, Value } from '../graph/graph';
import type { ConvAttributes } from '../ops/conv';
import { removeDeadCode } from '../passes/deadCode';
import { rewrite } from '../passes/rewrite';
import { imageSize, isStaticImage, type LoweringOptions } from './context';

export type Epsilon = { epsilon: number };

/** (a [N, C, H, W], w [O, C, 1, 1], scale [O], bias [O]) -> batch norm of the convolution, its mean and its variance. */
const pointwiseBatchNorm = defineOp<Epsilon>('PointwiseBatchNorm', {
  composite: true,
  infer: ([a, , scale]) => {
    const [n, , h, w] = a.shape;
    return [{ dtype: a.dtype, shape: [n, scale.shape[0], h, w] }, scale, scale];
  },
});

/** (dy, a, w, scale, mean, variance) -> gradients of a, w, scale and bias. */
const pointwiseBatchNormGradient = defineOp<Epsilon>('PointwiseBatchNormGradient', {
  composite: true,
  gradientOf: 'PointwiseBatchNorm',
  infer: ([, a, w, scale]) => [a, w, scale, scale],
});

/** How much wider the output must be, and how many pixels there must be for each input channel. */
const WIDENING = 4;

function isWidening(node: Node): boolean {
  const [a, w] = node.inputs as Value[];
  if (node.op.type !== 'Conv2d' || !isStaticImage(a)) return false;
  const { strides, pads, group } = node.attrs as unknown as ConvAttributes;
  const [o, c, kh, kw] = w.shape as number[];
  const pointwise = [kh, kw, group, ...strides].every((n) => n === 1) && pads.every((n) => n === 0);
  return pointwise && o >= WIDENING * c && imageSize(a).pixels >= WIDENING * c;
}

/** The widening convolutions whose output only a batch norm and the gradients of both read. */
function widening(graph: Graph): Set<Node> {
  const found = new Set(graph.nodes.filter(isWidening));
  const shown = new Set(graph.outputs.map(({ value }) => value));
  const takes: Readonly<Record<string, number>> = { BatchNorm: 0, BatchNormGradient: 1 };
  for (const node of graph.nodes) {
    node.inputs.forEach((input, i) => {
      if (input?.node && takes[node.op.type] !== i) found.delete(input.node);
    });
  }
  for (const node of found) if (shown.has(node.outputs[0])) found.delete(node);
  return found;
}

export function fuse(graph: Graph, options: LoweringOptions): Graph {
  const wanted =
    options.provider === 'cpu' && options.precision === 'fast' && !options.without?.includes('gram');
  const convolutions = wanted ? widening(graph) : new Set<Node>();
  if (convolutions.size === 0) return graph;
  /** The convolution that a batch norm or its gradient reads, where it is one of those. */
  const convolutionOf = (value: Value | null) =>
    value?.node && convolutions.has(value.node) ? value.node : null;
  const gradients = new Map<Node, readonly Value[]>();
  const mapped = new Map<Value, Value>();
  const fused = rewrite(graph, (node, inputs) => {
    // What the rewriting calls a value here is its copy in the target; remember the operands of the convolutions.
    if (convolutions.has(node)) {
      node.inputs.forEach((input, i) => input && mapped.set(input, inputs[i] as Value));
      return null;
    }
    const operands = (convolution: Node) =>
      convolution.inputs.map((input) => mapped.get(input as Value) as Value);
    const epsilon = { epsilon: node.attrs.epsilon as number };
    if (node.op.type === 'BatchNorm') {
      const convolution = convolutionOf(node.inputs[0]);
      if (!convolution) return null;
      const [, scale, bias] = inputs as Value[];
      return pointwiseBatchNorm.call([...operands(convolution), scale, bias], epsilon);
    }
    if (node.op.type === 'BatchNormGradient') {
      const convolution = convolutionOf(node.inputs[1]);
      if (!convolution) return null;
      const [dy, dz, ...rest] = inputs as Value[];
      const made = pointwiseBatchNormGradient.call([dy, ...operands(convolution), ...rest], epsilon);
      gradients.set(node, made);
      // The first output, the gradient of the convolution's output, is read by the two nodes below only.
      return [dz, made[2], made[3]];
    }
    const gradientOf = (value: Value | null) => value?.node && gradients.get(value.node);
    if (node.op.type === 'Conv2dInputGradient') return gradientOf(node.inputs[0])?.slice(0, 1) ?? null;
    if (node.op.type === 'Conv2dWeightGradient') return gradientOf(node.inputs[1])?.slice(1, 2) ?? null;
    return null;
  });
  return removeDeadCode(fused);
}
