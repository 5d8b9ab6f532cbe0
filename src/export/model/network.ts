/** A run's network with its weights inside: what every form of an exported model begins with. */
import { imageDims } from '../../bundle/imageShape';
import type { Recipe } from '../../bundle/recipe';
import { UserError } from '../../base/errors';
import { Graph, type Value } from '../../graph/graph';
import type { OnnxModel } from '../../onnx/model';
import { inline } from '../../ops/inline';
import { softmax } from '../../ops/softmax';
import type { HostTensor } from '../../tensors/dtype';
import { OUTPUT_OF, type ExportForm } from '../form';

/** The name of the images in every exported model. */
export const IMAGE = 'image';

/** Normalized images, where the model takes others; so a bundle's inference graph calls them, too. */
export const PIXELS = 'pixels';

/** The map whose average the embedding is. */
const MAP = 'map';

/**
 * `image` float32 [batch, C, height, width], normalized -> what its kind gives. The weights are constants by their names. Throws a
 * UserError where the graph has no such output or `state` lacks a tensor.
 */
export function networkOf(
  { graph: source }: OnnxModel,
  state: ReadonlyMap<string, HostTensor>,
  { kind, map }: Pick<ExportForm, 'kind' | 'map'>,
  settings: Recipe['image'],
): Graph {
  const outputs = kind === 'classifier' ? ['embedding', OUTPUT_OF.classifier] : [OUTPUT_OF.encoder];
  for (const name of outputs) {
    if (source.outputs.some((output) => output.name === name)) continue;
    const there = source.outputs.map((output) => output.name).join(', ');
    throw new UserError(`--kind ${kind}: the model has no output ${name} (it has: ${there})`);
  }
  const made = new Set(source.nodes.flatMap((node) => node.outputs));
  if (!made.has(PIXELS))
    throw new UserError(
      `the bundle's encoder.onnx has no value ${PIXELS}: an older selfie-onnx built it; build the bundle again into the run's folder`,
    );
  if (map && !made.has(MAP))
    throw new UserError(
      `--map: this ${kind} does not average a map; only networks with globalPool=average do`,
    );
  const graph = new Graph(kind);
  const [height, width, channels] = imageDims(settings);
  const image = graph.input(IMAGE, 'float32', ['batch', channels, height, width]);
  const inputs = new Set(source.inputs.map(({ name }) => name));
  const give = (name: string): Value | null => {
    if (name === PIXELS) return image;
    if (!inputs.has(name)) return null;
    const tensor = state.get(name);
    if (!tensor) throw new UserError(`the checkpoint has no tensor ${name}, which the model needs`);
    return graph.label(name, graph.tensor(tensor.dtype, tensor.shape, tensor.data));
  };
  const values = inlined(graph, source, [...outputs, ...(map ? [MAP] : [])], give);
  for (const name of outputs) graph.output(name, values.get(name) as Value);
  if (kind === 'classifier') graph.output('probabilities', softmax(values.get('logits') as Value, 1));
  if (map) graph.output(MAP, values.get(MAP) as Value);
  return graph;
}

/** `inline`, of a file that may be damaged: the graphs that `build-graph` writes are all known to the builder. */
function inlined(...args: Parameters<typeof inline>): ReturnType<typeof inline> {
  try {
    return inline(...args);
  } catch (error) {
    if (error instanceof UserError) throw error;
    const what = error instanceof Error ? error.message : String(error);
    throw new UserError(
      `the bundle's encoder.onnx is damaged (${what}); build the bundle again into the run's folder`,
      { cause: error },
    );
  }
}
