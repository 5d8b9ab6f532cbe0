/** The other inputs that an exported model may have, in place of the graph's own uint8 [batch, size, size, C]. */
import type { Recipe } from '../../bundle/recipe';
import { UserError } from '../../base/errors';
import type { OnnxGraph, OnnxNode, OnnxValueInfo } from '../../onnx/model';
import type { ExportInput } from '../form';
import { indexOf, ints, onlyUser, withoutUnused } from './nodes';
import { photoNodes } from './photo';

/** The name of the images in every exported model. */
export const IMAGE = 'image';

/** The value that the network begins with: normalized images [batch, C, size, size]. */
export const pixelsOf = (input: ExportInput): string => (input === 'float' ? IMAGE : 'pixels');

/** The graph with the input of that form under the name `image`. Its own input is normalized by four nodes that are known. */
export function replaceInput(graph: OnnxGraph, input: ExportInput, image: Recipe['image']): OnnxGraph {
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
  const photo = photoNodes(image, IMAGE, pixels);
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
export function preprocessGraph(image: Recipe['image']): OnnxGraph {
  const { size, channels } = image;
  return {
    name: 'preprocess',
    inputs: [photoInput(channels)],
    outputs: [{ name: pixelsOf('photo'), dtype: 'float32', shape: ['batch', channels, size, size] }],
    ...photoNodes(image, IMAGE, pixelsOf('photo')),
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
