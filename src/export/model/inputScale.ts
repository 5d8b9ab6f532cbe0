/**
 * The normalization of the images, m x + c for each channel, as far as it goes into the first convolution: W (m x + c) =
 * (m W)(x + c / m), which is exact at the zero padding too. c / m stays an addition: as a bias it would be wrong at the
 * border, where the padding is 0 and not c. The images are transposed as bytes, before they are four times as large.
 */
import type { OnnxGraph, OnnxNode, OnnxTensor } from '../../onnx/model';
import { constant, derivedName, floats, indexOf, ints, onlyUse, ownConstant, withoutUnused } from './nodes';

/** Cast, Mul, Add, Transpose(0, 3, 1, 2), Conv from the graph's only input -> Transpose, Cast, Add, Conv. */
export function foldInputScale(graph: OnnxGraph): OnnxGraph {
  const index = indexOf(graph);
  const [images] = graph.inputs;
  const conv = graph.nodes.find(({ opType }) => opType === 'Conv');
  const transpose = conv && onlyUse(index, conv.inputs[0], 'Transpose');
  const add = transpose && onlyUse(index, transpose.inputs[0], 'Add');
  const mul = add && onlyUse(index, add.inputs[0], 'Mul');
  const cast = mul && onlyUse(index, mul.inputs[0], 'Cast');
  if (!cast || cast.inputs[0] !== images.name || ints(transpose, 'perm').join() !== '0,3,1,2') return graph;
  const [scale, shift] = [mul, add].map(({ inputs }) => constant(index, inputs[1]));
  const weight = ownConstant(index, conv.inputs[1]);
  const channels = images.shape[3];
  if (!weight || weight.shape[1] !== channels) return graph;
  if (!scale || !shift || scale.data.length !== channels || shift.data.length !== channels) return graph;

  const offset: OnnxTensor = {
    name: 'images.offset',
    dtype: 'float32',
    shape: [channels, 1, 1],
    data: floats(shift).map((c, i) => c / floats(scale)[i]),
  };
  const taps = floats(weight).length / (weight.shape[0] * channels);
  const scaled: OnnxTensor = {
    ...weight,
    name: derivedName(weight.name.replace('.folded', ''), 'scaled', 'weight'),
    data: floats(weight).map((w, i) => w * floats(scale)[Math.floor(i / taps) % channels]),
  };
  const bytes = `${transpose.outputs[0]}_bytes`;
  const replaced = new Map<OnnxNode, OnnxNode | null>([
    [mul, null],
    [transpose, null],
    [cast, { ...transpose, inputs: [images.name], outputs: [bytes] }],
    [add, { ...add, inputs: [cast.outputs[0], offset.name] }],
    [conv, { ...conv, inputs: [add.outputs[0], scaled.name, ...conv.inputs.slice(2)] }],
  ]);
  const nodes = graph.nodes.flatMap((node) => {
    if (node === add) return [{ ...cast, inputs: [bytes] }, replaced.get(add) as OnnxNode];
    return replaced.has(node) ? (replaced.get(node) ?? []) : [node];
  });
  return withoutUnused({ ...graph, nodes, initializers: [...graph.initializers, offset, scaled] });
}
