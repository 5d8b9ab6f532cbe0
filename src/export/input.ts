/** The other inputs that an exported model may have, in place of the graph's own uint8 [batch, size, size, C]. */
import type { Recipe } from '../bundle/recipe';
import { UserError } from '../errors';
import { CENTER_CROP } from '../data/transforms';
import type { OnnxGraph, OnnxNode, OnnxTensor, OnnxValueInfo } from '../onnx/model';
import type { ExportInput } from './form';
import { indexOf, ints, newNode, onlyUser, withoutUnused } from './nodes';

/** The name of the images in every exported model. */
export const IMAGE = 'image';

/** The value that the network begins with: normalized images [batch, C, size, size]. */
export const pixelsOf = (input: ExportInput): string => (input === 'float' ? IMAGE : 'pixels');

/** The graph with the input of that form under the name `image`. Its own input is normalized by four nodes that are known. */
export function replaceInput(
  graph: OnnxGraph,
  input: ExportInput,
  image: Recipe['image'],
  opset: number,
): OnnxGraph {
  const { size, channels } = image;
  const [own] = graph.inputs;
  const chain = normalization(graph, own.name);
  const [normalized] = chain[chain.length - 1].outputs;
  const pixels = pixelsOf(input);
  const rest = { ...graph, nodes: renamed(graph.nodes, normalized, pixels) };
  if (input === 'uint8')
    return { ...rest, inputs: [{ ...own, name: IMAGE }], nodes: renamed(rest.nodes, own.name, IMAGE) };
  const nodes = rest.nodes.filter((_, i) => !chain.includes(graph.nodes[i]));
  if (input === 'float') {
    const shape = ['batch', channels, size, size];
    return withoutUnused({ ...rest, inputs: [{ name: IMAGE, dtype: 'float32', shape }], nodes });
  }
  const photo = photoNodes(image, pixels, opset);
  return withoutUnused({
    ...rest,
    inputs: [photoInput(channels)],
    nodes: [...photo.nodes, ...nodes],
    initializers: [...rest.initializers, ...photo.initializers],
  });
}

const photoInput = (channels: number): OnnxValueInfo => ({
  name: IMAGE,
  dtype: 'uint8',
  shape: ['batch', 'height', 'width', channels],
});

/** The preprocessing of `photo` alone, uint8 [batch, height, width, C] -> `pixels` float32 [batch, C, size, size], normalized. */
export function preprocessGraph(image: Recipe['image'], opset: number): OnnxGraph {
  const { size, channels } = image;
  return {
    name: 'preprocess',
    inputs: [photoInput(channels)],
    outputs: [{ name: pixelsOf('photo'), dtype: 'float32', shape: ['batch', channels, size, size] }],
    ...photoNodes(image, pixelsOf('photo'), opset),
  };
}

/** Cast, Mul, Add, Transpose from the images on: what `normalize` in graphs/images.ts emits. */
function normalization(graph: OnnxGraph, images: string): OnnxNode[] {
  const index = indexOf(graph);
  const chain: OnnxNode[] = [];
  let value = images;
  for (const opType of ['Cast', 'Mul', 'Add', 'Transpose']) {
    const node = onlyUser(graph, index, value, opType);
    if (!node)
      throw new UserError(`the bundle's encoder.onnx normalizes its images in another way; build it again`);
    chain.push(node);
    [value] = node.outputs;
  }
  if (ints(chain[3], 'perm').join() !== '0,3,1,2') throw new Error('the images are not transposed to NCHW');
  return chain;
}

/** The nodes with another name for one value. */
function renamed(nodes: readonly OnnxNode[], from: string, to: string): OnnxNode[] {
  const rename = (name: string) => (name === from ? to : name);
  return nodes.map((node) => ({
    ...node,
    inputs: node.inputs.map(rename),
    outputs: node.outputs.map(rename),
  }));
}

/**
 * The middle as `centerBox` has it (all of a picture of the right size, else the square of 7/8 of the shorter side), resized,
 * linear and from opset 18 on with an antialiasing filter, and normalized.
 */
function photoNodes(
  { size, channels, mean, std }: Recipe['image'],
  output: string,
  opset: number,
): Pick<OnnxGraph, 'nodes' | 'initializers'> {
  const initializers: OnnxTensor[] = [];
  const nodes: OnnxNode[] = [];
  const integers = (name: string, ...values: number[]) => {
    const data = BigInt64Array.from(values, BigInt);
    initializers.push({ name: `photo/${name}`, dtype: 'int64', shape: [values.length], data });
    return `photo/${name}`;
  };
  const floats = (name: string, shape: number[], values: number[]) => {
    initializers.push({ name: `photo/${name}`, dtype: 'float32', shape, data: Float32Array.from(values) });
    return `photo/${name}`;
  };
  const node = (name: string, opType: string, inputs: string[], attributes: OnnxNode['attributes'] = []) => {
    const value = name === '' ? output : `photo/${name}`;
    nodes.push(newNode(value, opType, inputs, attributes));
    return value;
  };
  const int = (name: string, value: number) => ({ name, type: 'int', value }) as const;
  const text = (name: string, value: string) => ({ name, type: 'string', value }) as const;

  const bytes = node('bytes', 'Transpose', [IMAGE], [{ name: 'perm', type: 'ints', value: [0, 3, 1, 2] }]);
  const sides = node('sides', 'Slice', [
    node('shape', 'Shape', [bytes]),
    integers('two', 2),
    integers('four', 4),
  ]);
  const least = (name: string, values: string) => node(name, 'ReduceMin', [values]);
  const right = node('right', 'Equal', [sides, integers('sides_wanted', size, size)]);
  const both = least('both', node('right_sides', 'Cast', [right], [int('to', 7)]));
  const whole = node('whole', 'Cast', [both], [int('to', 9)]);
  const one = floats('one', [1], [1]);
  const crop = node('crop', 'Where', [whole, one, floats('center_crop', [1], [CENTER_CROP])]);
  const shorter = node('shorter', 'Cast', [least('shorter_side', sides)], [int('to', 1)]);
  const scaled = node('scaled', 'Mul', [shorter, crop]);
  const rounded = node('rounded', 'Floor', [node('plus_half', 'Add', [scaled, floats('half', [1], [0.5])])]);
  const side = node('side', 'Cast', [node('at_least_one', 'Max', [rounded, one])], [int('to', 7)]);
  const start = node('start', 'Div', [node('margin', 'Sub', [sides, side]), integers('halves', 2)]);
  const end = node('end', 'Add', [start, side]);
  const middle = node('middle', 'Slice', [bytes, start, end, integers('axes', 2, 3)]);
  const counts = node('counts', 'Slice', ['photo/shape', integers('zero', 0), integers('to_two', 2)]);
  const sizes = node('sizes', 'Concat', [counts, integers('size', size, size)], [int('axis', 0)]);
  const resized = node(
    'resized',
    'Resize',
    [node('floats', 'Cast', [middle], [int('to', 1)]), '', '', sizes],
    [
      text('mode', 'linear'),
      text('coordinate_transformation_mode', 'half_pixel'),
      ...(opset >= 18 ? [int('antialias', 1)] : []),
    ],
  );
  const row = (name: string, values: number[]) => floats(name, [channels, 1, 1], values);
  const scale = row(
    'scale',
    std.map((s) => 1 / (255 * s)),
  );
  const shift = row(
    'shift',
    mean.map((m, i) => -m / std[i]),
  );
  node('', 'Add', [node('times_scale', 'Mul', [resized, scale]), shift]);
  return { nodes, initializers };
}
