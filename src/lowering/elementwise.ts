/** ONNX's own operators, copied: elementwise ones take whatever layout their operands are in, so that none is converted. */
import type { Graph, Node, Value } from '../graph/graph';
import { sameShape } from '../graph/shape';
import { withBodies } from '../graph/subgraph';
import { reshape } from '../ops/shape';
import { sizeOf } from '../tensors/dtype';
import { asRows, imageSize, isStaticImage, plainly, type Lowering, type Physical } from './context';

/**
 * `node` in the target graph, in rows where an operand is in rows already and the others can be read beside it; bodies that it
 * holds are lowered by `lowerBody`.
 */
export function copyNode(node: Node, context: Lowering, lowerBody: (body: Graph) => Graph): Physical[] {
  const rows = inRows(node, context);
  if (rows) return [asRows(rows)];
  const inputs = node.inputs.map((v) => v && context.plain(v));
  const flat = withoutUnitAxes(node, inputs as Value[], context);
  if (flat) return [plainly(flat)];
  return context.target.copy(node, inputs, undefined, withBodies(node.attrs, lowerBody)).map(plainly);
}

/**
 * An operand of an elementwise operator with the output [N, C, H, W]: `map` as large as that, `row` [C], `pixel` [N, 1, H, W],
 * `image` [N, C or 1, 1, 1], or one number; null for other broadcasts.
 */
function kindOf(v: Value, [n, c, h, w]: readonly number[]) {
  const shape = [...Array<number>(Math.max(0, 4 - v.rank)).fill(1), ...(v.shape as number[])];
  const is = (...sizes: number[]) => sameShape(shape, sizes);
  if (is(n, c, h, w)) return v.rank === 4 ? 'map' : null;
  if (is(1, 1, 1, 1)) return 'number';
  if (is(1, c, 1, 1)) return 'row';
  if (is(n, 1, h, w)) return v.rank === 4 ? 'pixel' : null;
  return is(n, c, 1, 1) || is(n, 1, 1, 1) ? 'image' : null;
}

function inRows(node: Node, context: Lowering): Value | null {
  const [output] = node.outputs;
  const inputs = node.inputs as readonly Value[];
  if (!node.op.definition.elementwise || !isStaticImage(output)) return null;
  if (!inputs.some((v) => v.rank === 4 && context.has(v, 'rows'))) return null;
  const kinds = inputs.map((v) => kindOf(v, output.shape as number[]));
  if (kinds.includes(null)) return null;

  const size = imageSize(output);
  const { n, c, pixels } = size;
  // In a pixel order of tiles m the rows of a map are [m * m places, N, tiles of an image].
  const places = context.order(size).tile ** 2;
  const inner = [places, n, pixels / n / places];
  const perImage = kinds.includes('image');
  const operand = (v: Value, kind: ReturnType<typeof kindOf>): Value => {
    switch (kind) {
      case 'map':
      case 'pixel': {
        const rows = context.rows(v);
        return perImage ? reshape(rows, [...inner, rows.shape[1]]) : rows;
      }
      case 'image':
        return reshape(context.plain(v), [n, 1, v.shape[v.rank - 3]]);
      default:
        return v.rank === 0 ? context.plain(v) : reshape(context.plain(v), kind === 'row' ? [c] : [1]);
    }
  };
  const shape = perImage ? [...inner, c] : [pixels, c];
  const operands = inputs.map((v, i) => operand(v, kinds[i]));
  const [made] = context.target.copy(node, operands, [{ dtype: output.dtype, shape }]);
  return reshape(made, [pixels, c]);
}

/**
 * x [..., 1, 1] op scalar as one row: 0.2 instead of 6 ms for [2048, 512, 1, 1]. ONNX Runtime's broadcasting takes the last
 * axis for its inner loop, however short.
 */
function withoutUnitAxes(node: Node, inputs: readonly Value[], context: Lowering): Value | null {
  const [output] = node.outputs;
  const isScalar = (v: Value) => v.rank === 0;
  const fits =
    node.op.definition.elementwise &&
    inputs.length === 2 &&
    inputs[0].dtype === output.dtype &&
    context.uses('flatScalars') &&
    inputs.some(isScalar) &&
    output.shape.at(-1) === 1 &&
    output.shape.every((d) => typeof d === 'number');
  if (!fits) return null;
  const size = sizeOf(output.shape);
  const flat = inputs.map((v) => (isScalar(v) ? v : reshape(v, [size])));
  const [result] = context.target.copy(node, flat, [{ dtype: output.dtype, shape: [size] }]);
  return reshape(result, output.shape);
}
