/**
 * The sum of two pointwise convolutions is one convolution of their inputs side by side: W x + V y = [W V] [x; y]. The
 * block's last convolution and its projected shortcut are such a pair; one pass over the widest tensor of the block instead
 * of three. A strided one reads its input through a 1 x 1 max-pool with that stride, which only picks pixels.
 */
import type { Graph, Value } from '../../graph/graph';
import type { ConvAttributes } from '../../ops/conv';
import { conv, maxPool } from '../../ops/onnx';
import { concat } from '../../ops/shape';
import { rewrite } from '../../passes/rewrite';
import { Uses } from '../../passes/uses';
import { derived, floats, ownFloats } from './constants';

interface Pointwise {
  readonly input: Value;
  /** [out, in, 1, 1] */
  readonly kernel: Value;
  readonly weight: Float32Array;
  /** [out] */
  readonly bias: Float32Array | null;
  readonly strides: readonly [number, number];
}

const NONE = [0, 0, 0, 0] as const;

function pointwise(uses: Uses, value: Value | null): Pointwise | null {
  const node = uses.onlyUse(value, 'Conv');
  if (!node) return null;
  const [input, kernel, offset] = node.inputs as [Value, Value, Value | undefined];
  const { strides, pads, group } = node.attrs as ConvAttributes;
  const weight = ownFloats(uses, kernel);
  const bias = floats(offset);
  if (!weight || kernel.shape[2] !== 1 || kernel.shape[3] !== 1 || group !== 1) return null;
  if (pads.some((pad) => pad !== 0) || (offset && !bias)) return null;
  return { input, kernel, weight, bias, strides };
}

export function mergeShortcut(graph: Graph): Graph {
  const uses = new Uses(graph);
  return rewrite(graph, (sum, _inputs, target, translate) => {
    if (sum.op.type !== 'Add') return null;
    const [a, b] = sum.inputs.map((value) => pointwise(uses, value));
    if (!a || !b || sum.inputs[0] === sum.inputs[1] || a.kernel.shape[0] !== b.kernel.shape[0]) return null;
    const inputs = [a, b].map(({ input, strides }) => {
      const x = translate(input);
      const picks = { kernel_shape: [1, 1], strides, pads: NONE } as const;
      return strides.every((stride) => stride === 1) ? x : maxPool(x, picks)[0];
    });
    const attrs = { strides: [1, 1], pads: NONE, dilations: [1, 1], group: 1 } as const;
    return [conv(concat(inputs, 1), mergedWeight(target, a, b), attrs, mergedBias(target, a, b))];
  });
}

/** [out, inA + inB, 1, 1] */
function mergedWeight(target: Graph, a: Pointwise, b: Pointwise): Value {
  const [out, inA] = a.kernel.shape as number[];
  const inB = b.kernel.shape[1] as number;
  const data = new Float32Array(out * (inA + inB));
  for (let o = 0; o < out; o++) {
    data.set(a.weight.subarray(o * inA, (o + 1) * inA), o * (inA + inB));
    data.set(b.weight.subarray(o * inB, (o + 1) * inB), o * (inA + inB) + inA);
  }
  return derived(target, a.kernel, 'merged', 'weight', [out, inA + inB, 1, 1], data);
}

/** [out], or none where neither has one. */
function mergedBias(target: Graph, a: Pointwise, b: Pointwise): Value | null {
  if (!a.bias && !b.bias) return null;
  const out = a.kernel.shape[0] as number;
  const sum = Float32Array.from({ length: out }, (_, o) => (a.bias?.[o] ?? 0) + (b.bias?.[o] ?? 0));
  return derived(target, a.kernel, 'merged', 'bias', [out], sum);
}
