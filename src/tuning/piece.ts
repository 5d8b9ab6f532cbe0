/** One family as a graph of its own, in the layout that it meets inside a network. */
import { Graph, type Value } from '../graph/graph';
import { imageSize, isStaticImage, Lowering, type LoweringOptions } from '../lowering/context';
import { choose } from '../lowering/rules';
import { optimize } from '../passes';
import type { Family } from './families';

/**
 * Inputs `x0`, `x1` ... are the operands that no node of the family makes, outputs `y0` ... all results. On the CPU images are
 * matrices [N*H*W, C] on both sides, as the neighbours of a family would hand them over; weights, which are graph inputs of
 * the network, are as they stand.
 */
export function familyGraph({ nodes }: Family, options: LoweringOptions): Graph {
  const target = new Graph('family');
  const [{ outputs }] = nodes;
  const { tile = 1 } = choose(nodes[0], options);
  const { n, h, w } = outputs[0].rank === 4 ? imageSize(outputs[0]) : { n: 0, h: 0, w: 0 };
  const context = new Lowering(target, options, new Map([[`${n}x${h}x${w}`, tile]]));
  const made = new Set(nodes.flatMap((node) => [...node.outputs]));
  const operands = new Set(
    nodes.flatMap((node) => node.inputs as Value[]).filter((value) => !made.has(value)),
  );
  [...operands].forEach((value, i) => {
    const asRows = options.provider === 'cpu' && isStaticImage(value) && value.node !== null;
    const { pixels, c } = asRows ? imageSize(value) : { pixels: 0, c: 0 };
    const input = target.input(`x${i}`, value.dtype, asRows ? [pixels, c] : value.shape);
    context.set(value, { layout: asRows ? 'rows' : 'plain', value: input });
  });
  for (const node of nodes) {
    const physical = target.scope(node.op.type, () =>
      choose(node, options).build(context, node.inputs as Value[], node.attrs as never, node.outputs),
    );
    node.outputs.forEach((output, i) => context.set(output, physical[i]));
  }
  nodes
    .flatMap((node) => node.outputs)
    .forEach((output, i) =>
      target.output(`y${i}`, context.has(output, 'rows') ? context.rows(output) : context.plain(output)),
    );
  return optimize(target);
}
