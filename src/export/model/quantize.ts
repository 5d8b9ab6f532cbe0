/**
 * Static quantization to 8 bits in the QDQ form, which runtimes fuse to integer kernels: activations uint8 by their range over
 * calibration images, weights int8 a channel, biases int32. What follows the embedding's average stays in float32 but the
 * classifier's product.
 */
import type { Graph, Node, Value } from '../../graph/graph';
import { dequantizeLinear, quantizeLinear } from '../../ops/quantize';
import { rewrite } from '../../passes/rewrite';
import { Uses } from '../../passes/uses';
import { maxOf } from '../../base/lists';
import { floats } from './constants';

/** smallest and largest value */
export type Range = readonly [low: number, high: number];

const MOVES = new Set(['MaxPool', 'Concat', 'GlobalAveragePool']);
const KEEPS_IMAGES = new Set(['Conv', 'Relu', 'BatchNormalization', 'Add', 'Mul', ...MOVES]);

/** Operators with integer kernels and constant weights [out, ...]. */
const isProduct = ({ op, inputs, attrs }: Node) =>
  floats(inputs[1]) !== null && (op.type === 'Conv' || (op.type === 'Gemm' && attrs.transB === 1));

/** The activations that are rounded to 8 bits: images and what keeps being one, and what a classifier's product takes. */
export function quantizedValues(network: Graph): Value[] {
  const uses = new Uses(network);
  const shown = new Set(network.outputs.map(({ value }) => value));
  const images = new Set<Value>();
  const values = new Set<Value>();
  for (const node of network.nodes) {
    const { op, outputs } = node;
    const [output] = outputs;
    const operands = node.inputs.filter((input): input is Value => input !== null && !input.constant);
    if (op.type === 'Gemm' && isProduct(node)) values.add(operands[0]);
    const makesImages = op.type === 'Conv' || operands.every((value) => images.has(value));
    if (!makesImages || !KEEPS_IMAGES.has(op.type)) continue;
    images.add(output);
    if (!isProduct(node) && !MOVES.has(op.type)) continue;
    for (const value of isProduct(node) ? operands.slice(0, 1) : operands) values.add(value);
    if (op.type === 'GlobalAveragePool') continue;
    // A Relu behind is part of the integer kernel.
    const next = uses.of(output);
    const made = next.length === 1 && next[0].op.type === 'Relu' ? next[0].outputs[0] : output;
    if (!shown.has(made)) values.add(made);
  }
  return [...values];
}

/** Scale and zero point of uint8 for a range, which 0 belongs to so that padding is exact. */
function scaleOf([low, high]: Range): { scale: number; zero: number } {
  const [from, to] = [Math.min(low, 0), Math.max(high, 0)];
  const scale = to > from ? (to - from) / 255 : 1;
  return { scale, zero: Math.round(-from / scale) };
}

/** The network in 8 bits; `ranges` are those of `quantizedValues`, in their order. */
export function quantize(network: Graph, ranges: readonly Range[]): Graph {
  const values = quantizedValues(network);
  if (ranges.length !== values.length) throw new Error('expected a range for each value that is rounded');
  const scales = new Map(values.map((value, i) => [value, scaleOf(ranges[i])]));
  const rounded = new Map<Value, Value>();
  return rewrite(network, (node, inputs, target) => {
    const operands = inputs.map((input, i) => {
      const value = node.inputs[i];
      const known = value && scales.get(value);
      if (!input || !known) return input;
      let result = rounded.get(value);
      if (!result) {
        const scale = target.scalar(known.scale, 'float32');
        const zero = target.scalar(known.zero, 'uint8');
        result = dequantizeLinear(quantizeLinear(input, scale, zero), scale, zero);
        rounded.set(value, result);
      }
      return result;
    });
    if (!isProduct(node)) return target.copy(node, operands);
    const [x, kernel, offset] = node.inputs as [Value, Value, Value | undefined];
    const weights = roundedWeights(target, kernel);
    const bias = floats(offset);
    const scale = Math.fround(scales.get(x)?.scale ?? 1);
    const biases = offset && bias ? [roundedBias(target, offset, bias, weights.scale, scale)] : [];
    return target.copy(node, [operands[0], weights.value, ...biases, ...operands.slice(2 + biases.length)]);
  });
}

/** A constant of `data` with one scale for each entry of its first axis, named after the one that it stands for. */
function dequantized(
  target: Graph,
  source: Value,
  dtype: 'int8' | 'int32',
  data: Int8Array | Int32Array,
  scale: Float32Array,
): Value {
  const name = source.graph.labels.get(source);
  const label = (what: string, value: Value) =>
    name === undefined ? value : target.label(`${name}/${what}`, value);
  const numbers = label('q', target.tensor(dtype, source.shape as number[], data));
  const scales = label('scale', target.tensor('float32', [scale.length], scale));
  return dequantizeLinear(numbers, scales, null, 0);
}

/** Weights [out, ...] as int8 with one scale an output channel, symmetric. */
function roundedWeights(target: Graph, kernel: Value): { value: Value; scale: Float32Array } {
  const weight = floats(kernel) as Float32Array;
  const [count] = kernel.shape as number[];
  const each = weight.length / count;
  const scale = Float32Array.from({ length: count }, (_, c) => {
    const largest = maxOf(weight.subarray(c * each, (c + 1) * each).map(Math.abs));
    return largest > 0 ? largest / 127 : 1;
  });
  const data = Int8Array.from(weight, (w, i) => Math.round(w / scale[Math.floor(i / each)]));
  return { value: dequantized(target, kernel, 'int8', data, scale), scale };
}

/** Biases as int32 in units of the product's: of its input times that of its weights. */
function roundedBias(
  target: Graph,
  source: Value,
  bias: Float32Array,
  weightScale: Float32Array,
  inputScale: number,
): Value {
  const scale = weightScale.map((s) => s * inputScale);
  const data = Int32Array.from(bias, (b, i) => Math.round(b / scale[i]));
  return dequantized(target, source, 'int32', data, scale);
}
