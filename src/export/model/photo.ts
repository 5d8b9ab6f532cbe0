/** A picture of any size as a network takes it, in operators that every runtime has. */
import type { Recipe } from '../../bundle/recipe';
import { CENTER_CROP } from '../../data/images/transforms';
import type { OnnxGraph, OnnxNode, OnnxTensor } from '../../onnx/model';
import { newNode } from './nodes';

const FLOAT = 1;
const INT32 = 6;
const INT64 = 7;
const BOOL = 9;

/**
 * uint8 [batch, height, width, C] `input` -> float32 [batch, C, size, size] `output`: the middle as evaluation has it (`centerBox`:
 * all of a picture of the right size, else the square of 7/8 of the shorter side), resized and normalized.
 *
 * Resized by two products, Wy x transpose(Wx), rather than by Resize: its `antialias` begins with opset 18, WebGPU has no kernel
 * for it, and it is another filter than PIL's, PyTorch's and libvips'. As `decodeBox` does, all of the picture is thought to be
 * resized to r = round(length size / side) pixels, of which `size` are kept from `offset` on. So row i of W [size, length] is a
 * triangle around c = (i + offset + 1/2) s, where s = length / r,
 *
 *     w[i, j] = max(0, 1 - |j + 1/2 - c| / max(s, 1)), over its sum.
 */
export function photoNodes(
  { size, channels, mean, std }: Recipe['image'],
  input: string,
  output: string,
): Pick<OnnxGraph, 'nodes' | 'initializers'> {
  const initializers: OnnxTensor[] = [];
  const nodes: OnnxNode[] = [];
  const integers = (name: string, ...values: number[]) => {
    const data = BigInt64Array.from(values, BigInt);
    initializers.push({ name: `photo/${name}`, dtype: 'int64', shape: [values.length], data });
    return `photo/${name}`;
  };
  const floats = (name: string, shape: number[], values: ArrayLike<number>) => {
    initializers.push({ name: `photo/${name}`, dtype: 'float32', shape, data: Float32Array.from(values) });
    return `photo/${name}`;
  };
  const node = (name: string, opType: string, inputs: string[], attributes: OnnxNode['attributes'] = []) => {
    const value = name === '' ? output : `photo/${name}`;
    nodes.push(newNode(value, opType, inputs, attributes));
    return value;
  };
  const cast = (name: string, value: string, to: number) =>
    node(name, 'Cast', [value], [{ name: 'to', type: 'int', value: to }]);
  const transpose = (name: string, value: string, ...perm: number[]) =>
    node(name, 'Transpose', [value], [{ name: 'perm', type: 'ints', value: perm }]);

  const scalar = (name: string, data: number) => floats(name, [], [data]);
  const one = floats('one', [1], [1]);
  const half = floats('half', [1], [0.5]);
  const wanted = floats('size', [1], [size]);
  const round = (name: string, value: string) =>
    node(`${name}_rounded`, 'Floor', [node(`${name}_plus_half`, 'Add', [value, half])]);

  // the side of the square that is kept, and where it begins
  const pixels = cast('floats', transpose('bytes', input, 0, 3, 1, 2), FLOAT);
  const shape = node('shape', 'Shape', [pixels]);
  const lengths = node('lengths', 'Slice', [shape, integers('two', 2), integers('four', 4)]);
  const right = node('right', 'Equal', [lengths, integers('lengths_wanted', size, size)]);
  const isWhole = node('both_right', 'ReduceMin', [cast('right_lengths', right, INT32)]);
  const centerCrop = floats('center_crop', [1], [CENTER_CROP]);
  const crop = node('crop', 'Where', [cast('whole', isWhole, BOOL), one, centerCrop]);
  const shorter = cast('shorter', node('shorter_length', 'ReduceMin', [lengths]), FLOAT);
  const side = node('side', 'Max', [round('side', node('side_exact', 'Mul', [shorter, crop])), one]);
  const margins = node('margins', 'Sub', [lengths, cast('side_whole', side, INT64)]);
  const start = cast('start', node('start_whole', 'Div', [margins, integers('halves', 2)]), FLOAT);

  // of height and width
  const scale = node('scale', 'Div', [wanted, side]);
  const all = cast('all', lengths, FLOAT);
  const resized = node('resized', 'Max', [
    round('resized', node('resized_exact', 'Mul', [all, scale])),
    wanted,
  ]);
  const offset = node('offset', 'Min', [
    round('offset', node('offset_exact', 'Mul', [start, scale])),
    node('spare', 'Sub', [resized, wanted]),
  ]);
  const step = node('step', 'Div', [all, resized]);

  const [zero, unit] = [scalar('zero', 0), scalar('unit', 1)];
  const [first, second, third] = [integers('first', 0), integers('second', 1), integers('third', 2)];
  const middles = floats(
    'middles',
    [size, 1],
    Array.from({ length: size }, (_, i) => i + 0.5),
  );
  /** W of height or width. */
  const weights = (axis: string, from: string, to: string) => {
    const at = (name: string) => `${axis}/${name}`;
    const own = (name: string, values: string) => node(at(name), 'Slice', [values, from, to]);
    const stride = own('step', step);
    const places = node(at('places'), 'Add', [middles, own('offset', offset)]);
    const centers = node(at('centers'), 'Mul', [places, stride]);
    const length = node(at('length'), 'Squeeze', [own('all', all), first]);
    const range = node(at('range'), 'Range', [zero, length, unit]);
    const away = node(at('away'), 'Sub', [node(at('pixels'), 'Add', [range, half]), centers]);
    const radius = node(at('radius'), 'Max', [stride, one]);
    const fall = node(at('fall'), 'Div', [node(at('distance'), 'Abs', [away]), radius]);
    const triangle = node(at('triangle'), 'Relu', [node(at('height'), 'Sub', [one, fall])]);
    const sum = node(at('sum'), 'ReduceSum', [triangle, second]);
    return node(at('weights'), 'Div', [triangle, sum]);
  };
  const across = transpose('x/weights_transposed', weights('x', second, third), 1, 0);
  const columns = node('columns', 'MatMul', [pixels, across]);
  const small = node('small', 'MatMul', [weights('y', first, second), columns]);

  const each = (name: string, values: number[]) => floats(name, [channels, 1, 1], values);
  const slope = each(
    'slope',
    std.map((s) => 1 / (255 * s)),
  );
  const shift = each(
    'shift',
    mean.map((m, i) => -m / std[i]),
  );
  node('', 'Add', [node('times_slope', 'Mul', [small, slope]), shift]);
  return { nodes, initializers };
}
