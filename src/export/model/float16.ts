/**
 * An exported model in half precision: weights and everything between images and outputs. Inputs, outputs and what is done to
 * uint8 images stay float32, so that callers see no difference. Numbers beyond 65504 would be infinite: the check of the
 * written file tells.
 */
import type { DType } from '../../tensors/dtype';
import { DTYPES } from '../../tensors/dtype';
import { float16Bits } from '../../tensors/float16';
import type { OnnxGraph, OnnxNode, OnnxTensor } from '../../onnx/model';
import { newNode, splitBehind } from './nodes';

const castNode = (output: string, input: string, to: DType): OnnxNode => ({
  ...newNode(output, 'Cast', [input], [{ name: 'to', type: 'int', value: DTYPES[to].onnx }]),
  name: `${output}/Cast`,
});

/** `pixels`: the float32 value that the network begins with; what comes before it stays as it is. */
export function toFloat16(graph: OnnxGraph, pixels: string): OnnxGraph {
  const [before, network] = splitBehind(graph, pixels);
  const outputs = new Set(graph.outputs.map(({ name }) => name));
  const half = (name: string) => (name === pixels || outputs.has(name) ? `${name}/half` : name);
  const taken = new Set(network.flatMap(({ inputs }) => inputs));
  const nodes = network.map((node) => ({
    ...node,
    inputs: node.inputs.map(half),
    outputs: node.outputs.map(half),
  }));
  const rounded = (tensor: OnnxTensor): OnnxTensor =>
    tensor.dtype === 'float32' && taken.has(tensor.name)
      ? { ...tensor, dtype: 'float16', data: Uint16Array.from(tensor.data as Float32Array, float16Bits) }
      : tensor;
  return {
    ...graph,
    nodes: [
      ...before,
      castNode(half(pixels), pixels, 'float16'),
      ...nodes,
      ...graph.outputs.map(({ name }) => castNode(name, half(name), 'float32')),
    ],
    initializers: graph.initializers.map(rounded),
  };
}
