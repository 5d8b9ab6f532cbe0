/** What an exported model takes by the name `image`, before the normalized images that the network begins with. */
import { imageDims, imageShape } from '../../bundle/imageShape';
import type { Recipe } from '../../bundle/recipe';
import { Graph, type Value } from '../../graph/graph';
import { slopeAndShift, normalize } from '../../nn/images';
import { add, cast } from '../../ops/elementwise';
import type { ConvAttributes } from '../../ops/conv';
import { conv } from '../../ops/onnx';
import { transpose } from '../../ops/shape';
import { pixelType } from '../../tensors/pixels';
import { copyNodes } from '../../passes/rewrite';
import { Uses } from '../../passes/uses';
import type { ExportInput } from '../form';
import { derived, ownFloats } from './constants';
import { IMAGE, PIXELS } from './network';
import { photo } from './photo';

const TAKES = {
  uint8: (image: Recipe['image']) => ['batch', ...imageDims(image)],
  photo: ({ channels }: Recipe['image']) => ['batch', 'height', 'width', channels],
};

/** The network, which takes normalized images, with the input of that form. `fold`: its scale goes into the first weights. */
export function withInput(network: Graph, input: ExportInput, image: Recipe['image'], fold: boolean): Graph {
  if (input === 'float') return network;
  const [pixels] = network.inputs;
  const graph = new Graph(network.name);
  const { bits } = imageShape(image);
  const images = graph.input(IMAGE, pixelType(bits), TAKES[input](image));
  // 65535 is beyond half precision, and so are offsets in its units.
  const scaled = input === 'uint8' && fold && bits === 8 ? scaledKernels(network, graph, image) : null;
  const normalized = graph.scope(PIXELS, () => {
    if (input === 'photo') return photo(images, image);
    return scaled ? offsetPixels(images, image) : normalize(images, image, 'float32');
  });
  // With the scale in the weights the value is none that anyone asks for.
  if (!scaled) graph.label(PIXELS, normalized);
  const translate = copyNodes(network, graph, new Map([[pixels, normalized]]), {
    visit({ inputs: [x, kernel], attrs }, inputs) {
      const weight = x === pixels && kernel ? scaled?.get(kernel) : undefined;
      if (!weight) return null;
      return [conv(normalized, weight, attrs as ConvAttributes, inputs[2] ?? null)];
    },
  });
  for (const { name, value } of network.outputs) graph.output(name, translate(value));
  return graph;
}

/** The preprocessing of `photo` alone: pixels [batch, height, width, C] of any size -> `pixels` float32 [batch, C, H, W], normalized. */
export function preprocessGraph(image: Recipe['image']): Graph {
  const graph = new Graph('preprocess');
  graph.output(
    PIXELS,
    photo(graph.input(IMAGE, pixelType(imageShape(image).bits), TAKES.photo(image)), image),
  );
  return graph;
}

/**
 * The normalization, m x + c for each channel, as far as it goes into the first convolution: W (m x + c) = (m W)(x + c / m),
 * which is exact at the zero padding too. c / m stays an addition: as a bias it would be wrong at the border, where the padding
 * is 0 and not c. The images are transposed as bytes, before they are four times as large.
 */
function offsetPixels(images: Value, image: Recipe['image']): Value {
  const { slope, shift } = slopeAndShift(image);
  const offsets = shift.map((c, i) => c / slope[i]);
  const offset = images.graph.constant('float32', [image.channels, 1, 1], offsets);
  return add(cast(transpose(images, [0, 3, 1, 2]), 'float32'), images.graph.label('images.offset', offset));
}

/** m W of every convolution that reads the pixels; null where something else reads them, or another node the weights. */
function scaledKernels(network: Graph, target: Graph, image: Recipe['image']): Map<Value, Value> | null {
  const uses = new Uses(network);
  const { slope } = slopeAndShift(image);
  const scaled = new Map<Value, Value>();
  for (const { op, inputs, attrs } of uses.of(network.inputs[0])) {
    const [, kernel] = inputs;
    const weight = op.type === 'Conv' && attrs.group === 1 ? ownFloats(uses, kernel) : null;
    if (!kernel || !weight) return null;
    const [out, channels, ...taps] = kernel.shape as number[];
    const area = taps.reduce((a, b) => a * b, 1);
    const data = weight.map((w, i) => w * slope[Math.floor(i / area) % channels]);
    scaled.set(kernel, derived(target, kernel, 'scaled', 'weight', [out, channels, ...taps], data));
  }
  return scaled;
}
