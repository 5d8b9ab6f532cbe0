/** What an exported model gives besides what its graph has: probabilities, and the last map. */
import { UserError } from '../../base/errors';
import type { OnnxGraph } from '../../onnx/model';
import type { ExportKind } from '../form';
import { newNode } from './nodes';

/** `probabilities` [batch, classes] from `logits`. */
export function addProbabilities(graph: OnnxGraph): OnnxGraph {
  const logits = graph.outputs.find(({ name }) => name === 'logits');
  if (!logits) throw new Error('there are no logits');
  const softmax = newNode('probabilities', 'Softmax', ['logits'], [{ name: 'axis', type: 'int', value: 1 }]);
  return {
    ...graph,
    nodes: [...graph.nodes, softmax],
    outputs: [...graph.outputs, { ...logits, name: 'probabilities' }],
  };
}

/** `map` [batch, D, h, w], what the average is taken of. UserError for a network that pools otherwise. */
export function addMap(graph: OnnxGraph, side: number, kind: ExportKind): OnnxGraph {
  const pool = graph.nodes.find(({ opType }) => opType === 'GlobalAveragePool');
  const embedding = graph.outputs.find(({ name }) => name === 'embedding');
  if (!pool || !embedding)
    throw new UserError(
      `--map: this ${kind} does not average a map; only networks with globalPool=average do`,
    );
  const [from] = pool.inputs;
  const rename = (name: string) => (name === from ? 'map' : name);
  return {
    ...graph,
    nodes: graph.nodes.map((node) => ({
      ...node,
      inputs: node.inputs.map(rename),
      outputs: node.outputs.map(rename),
    })),
    outputs: [...graph.outputs, { ...embedding, name: 'map', shape: [...embedding.shape, side, side] }],
  };
}
