/**
 * Static quantization to 8 bits in the QDQ form, which runtimes fuse to integer kernels: activations uint8 by their range over
 * calibration images, weights int8 a channel, biases int32. What follows the embedding's average stays in float32 but the
 * classifier's product.
 */
import type { OnnxGraph, OnnxNode, OnnxTensor } from '../../onnx/model';
import { attribute, constant, indexOf, newNode, splitBehind, withoutUnused, type GraphIndex } from './nodes';

/** smallest and largest value */
export type Range = readonly [low: number, high: number];

/** Operators with integer kernels. The first two have weights. */
const PRODUCTS = new Set(['Conv', 'Gemm']);
const MOVES = new Set(['MaxPool', 'Concat', 'GlobalAveragePool']);

const KEEPS_IMAGES = new Set(['Conv', 'Relu', 'BatchNormalization', 'Add', 'Mul', ...MOVES]);

const isProduct = (index: GraphIndex, node: OnnxNode) =>
  PRODUCTS.has(node.opType) &&
  constant(index, node.inputs[1]) !== null &&
  (node.opType === 'Conv' || attribute(node, 'transB') === 1);

/**
 * The activations that are rounded to 8 bits, by the rank that each has; `pixels` is what the network begins with. Of rank 4
 * are the images and what keeps being one; of rank 2 what a classifier's product takes.
 */
export function quantizedValues(graph: OnnxGraph, pixels: string): Map<string, number> {
  const index = indexOf(graph);
  const [, network] = splitBehind(graph, pixels);
  const images = new Set<string>();
  const values = new Map<string, number>();
  const outputs = new Set(graph.outputs.map(({ name }) => name));
  for (const node of network) {
    const [output] = node.outputs;
    const operands = node.inputs.filter((name) => !index.initializer.has(name));
    const [x] = node.inputs;
    if (node.opType === 'Gemm' && isProduct(index, node)) values.set(x, 2);
    const makesImages = node.opType === 'Conv' || operands.every((name) => images.has(name));
    if (!makesImages || !KEEPS_IMAGES.has(node.opType)) continue;
    images.add(output);
    if (!isProduct(index, node) && !MOVES.has(node.opType)) continue;
    for (const name of isProduct(index, node) ? [x] : operands) values.set(name, 4);
    if (node.opType === 'GlobalAveragePool') continue;
    const next = graph.nodes.filter(({ inputs }) => inputs.includes(output));
    // A Relu behind is part of the integer kernel.
    const made = next.length === 1 && next[0].opType === 'Relu' ? next[0].outputs[0] : output;
    if (!outputs.has(made)) values.set(made, 4);
  }
  return values;
}

/** Scale and zero point of uint8 for a range, which 0 belongs to so that padding is exact. */
function affine([low, high]: Range): { scale: number; zero: number } {
  const [from, to] = [Math.min(low, 0), Math.max(high, 0)];
  const scale = to > from ? (to - from) / 255 : 1;
  return { scale, zero: Math.round(-from / scale) };
}

/** The graph in 8 bits. Each of `quantizedValues` has its range in `ranges`. */
export function quantize(graph: OnnxGraph, pixels: string, ranges: ReadonlyMap<string, Range>): OnnxGraph {
  const index = indexOf(graph);
  const scales = new Map<string, number>();
  const initializers: OnnxTensor[] = [];
  const rounding = new Map<string, OnnxNode[]>();
  const float = (name: string, shape: number[], data: Float32Array) =>
    initializers.push({ name, dtype: 'float32', shape, data });
  for (const value of quantizedValues(graph, pixels).keys()) {
    const range = ranges.get(value);
    if (!range) throw new Error(`no range for ${value}`);
    const { scale, zero } = affine(range);
    scales.set(value, Math.fround(scale));
    float(`${value}/scale`, [], Float32Array.of(scale));
    initializers.push({ name: `${value}/zero`, dtype: 'uint8', shape: [], data: Uint8Array.of(zero) });
    const parameters = [`${value}/scale`, `${value}/zero`];
    rounding.set(value, [
      newNode(`${value}/q`, 'QuantizeLinear', [value, ...parameters]),
      newNode(`${value}/dq`, 'DequantizeLinear', [`${value}/q`, ...parameters]),
    ]);
  }

  const axis = [{ name: 'axis', type: 'int', value: 0 }] as const;
  const product = (node: OnnxNode): OnnxNode[] => {
    const [x, w, b] = node.inputs as [string, string, string | undefined];
    const weight = channels(constant(index, w) as OnnxTensor);
    float(`${w}/scale`, [weight.scale.length], weight.scale);
    initializers.push({ ...weight.tensor, name: `${w}/q` });
    const nodes = [newNode(`${w}/dq`, 'DequantizeLinear', [`${w}/q`, `${w}/scale`], axis)];
    const bias = constant(index, b);
    if (b !== undefined && bias) {
      const scale = weight.scale.map((s) => s * (scales.get(x) ?? 1));
      float(`${b}/scale`, [scale.length], scale);
      const data = Int32Array.from(bias.data as Float32Array, (value, i) => Math.round(value / scale[i]));
      initializers.push({ name: `${b}/q`, dtype: 'int32', shape: bias.shape, data });
      nodes.push(newNode(`${b}/dq`, 'DequantizeLinear', [`${b}/q`, `${b}/scale`], axis));
    }
    const inputs = [`${x}/dq`, `${w}/dq`, ...(b === undefined ? [] : [bias ? `${b}/dq` : b])];
    return [...nodes, { ...node, inputs }];
  };

  const taken = (name: string) => (rounding.has(name) ? `${name}/dq` : name);
  const nodes = [
    ...graph.inputs.flatMap(({ name }) => rounding.get(name) ?? []),
    ...graph.nodes.flatMap((node) => [
      ...(isProduct(index, node) ? product(node) : [{ ...node, inputs: node.inputs.map(taken) }]),
      ...node.outputs.flatMap((name) => rounding.get(name) ?? []),
    ]),
  ];
  return withoutUnused({ ...graph, nodes, initializers: [...graph.initializers, ...initializers] });
}

/** Weights [out, ...] as int8 with one scale an output channel, symmetric. */
function channels({ shape, data }: OnnxTensor): { tensor: Omit<OnnxTensor, 'name'>; scale: Float32Array } {
  const [count] = shape;
  const each = data.length / count;
  const values = data as Float32Array;
  const scale = Float32Array.from({ length: count }, (_, c) => {
    const largest = values
      .subarray(c * each, (c + 1) * each)
      .reduce((most, w) => Math.max(most, Math.abs(w)), 0);
    return largest > 0 ? largest / 127 : 1;
  });
  const rounded = Int8Array.from(values, (w, i) => Math.round(w / scale[Math.floor(i / each)]));
  return { tensor: { dtype: 'int8', shape, data: rounded }, scale };
}
