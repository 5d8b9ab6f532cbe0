/** Small networks that nobody designed: any layers in any order, with the gradients of a loss. */
import fc from 'fast-check';
import { gradients } from '../../src/autodiff/gradients';
import { Graph, type Value } from '../../src/graph/graph';
import { gelu, relu } from '../../src/ops/activation';
import { conv2d } from '../../src/ops/conv';
import {
  abs,
  add,
  cast,
  div,
  exp,
  greater,
  maximum,
  minimum,
  mul,
  neg,
  sigmoid,
  sub,
  tanh,
  where,
} from '../../src/ops/elementwise';
import { matmul } from '../../src/ops/matmul';
import { batchNorm } from '../../src/ops/norm';
import { averagePool2d, globalAveragePool, maxPool2d } from '../../src/ops/pool';
import { reduceMean } from '../../src/ops/reduce';
import { reshape } from '../../src/ops/shape';
import { crossEntropy } from '../../src/ops/softmax';
import type { Tensors } from './run';
import { numbersOf, randomTensor, tensorOf } from './tensors';

/** x -> y of the same shape. */
export const ACTIVATIONS: Readonly<Record<string, (x: Value) => Value>> = {
  relu,
  relu6: (x) => minimum(relu(x), 6),
  leakyRelu: (x) => maximum(x, mul(x, 0.1)),
  elu: (x) => where(greater(x, 0), x, sub(exp(minimum(x, 0)), 1)),
  abs,
  tanh,
  sigmoid,
  silu: (x) => mul(x, sigmoid(x)),
  hardSwish: (x) => mul(x, div(minimum(maximum(add(x, 3), 0), 6), 6)),
  softsign: (x) => div(x, add(abs(x), 1)),
  gelu,
  negative: neg,
  masked: (x) => mul(x, cast(greater(x, 0.3), x.dtype)),
};

type Layer =
  | { readonly kind: 'conv'; readonly kernel: 1 | 3; readonly stride: 1 | 2; readonly channels: number }
  | { readonly kind: 'activation'; readonly name: string }
  | { readonly kind: 'norm' | 'maxPool' | 'averagePool' | 'residual' }
  /** times a number a channel, a pixel, or an image and channel */
  | { readonly kind: 'gate'; readonly over: 'channel' | 'pixel' | 'image' };

export interface Network {
  readonly batch: number;
  readonly size: number;
  readonly channels: number;
  readonly layers: readonly Layer[];
}

const layer: fc.Arbitrary<Layer> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('conv' as const),
      kernel: fc.constantFrom(1 as const, 3 as const),
      stride: fc.constantFrom(1 as const, 1 as const, 2 as const),
      channels: fc.constantFrom(4, 8, 16),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('activation' as const),
      name: fc.constantFrom(...Object.keys(ACTIVATIONS)),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constantFrom('norm', 'norm', 'maxPool', 'averagePool', 'residual'),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('gate' as const),
      over: fc.constantFrom('channel' as const, 'pixel' as const, 'image' as const),
    }),
  },
);

export const network: fc.Arbitrary<Network> = fc.record({
  batch: fc.constantFrom(2, 3, 4),
  size: fc.constantFrom(6, 8, 12),
  channels: fc.constantFrom(3, 8),
  layers: fc.array(layer, { minLength: 1, maxLength: 9 }),
});

const CLASSES = 3;

/** Outputs: the loss, `grad.<name>` of the images and of every weight, and something of both; with the tensors to feed. */
export function buildNetwork({ batch, size, channels, layers }: Network): { graph: Graph; feeds: Tensors } {
  const graph = new Graph('network');
  const feeds: Tensors = {};
  const wanted: [name: string, value: Value][] = [];
  const input = (name: string, shape: readonly number[], scale = 1): Value => {
    const numbers = numbersOf(randomTensor(shape, name));
    feeds[name] = tensorOf(
      'float32',
      shape,
      numbers.map((x) => scale * x),
    );
    const value = graph.input(name, 'float32', shape);
    wanted.push([name, value]);
    return value;
  };
  let x = input('images', [batch, channels, size, size]);
  let before = x;
  layers.forEach((one, i) => {
    const now = x;
    x = graph.scope(`layer${i}`, () =>
      applyLayer(one, x, before, (name, shape, scale) => input(`${name}${i}`, shape, scale)),
    );
    // what a residual adds: the last map of another layer
    if (one.kind === 'conv' || one.kind === 'norm') before = now;
  });
  const features = globalAveragePool(x);
  const logits = matmul(features, input('head', [x.shape[1] as number, CLASSES]));
  const labels = graph.input('labels', 'int64', [batch]);
  feeds.labels = tensorOf(
    'int64',
    [batch],
    Array.from({ length: batch }, (_, i) => i % CLASSES),
  );
  const loss = reduceMean(crossEntropy(logits, labels));
  graph.output('loss', loss);
  const found = gradients(
    loss,
    wanted.map(([, value]) => value),
  );
  wanted.forEach(([name], i) => graph.output(`grad.${name}`, found[i]));
  // forward again, behind the gradients
  graph.output('late', reduceMean(mul(mul(x, x), reduceMean(abs(found[0])))));
  return { graph, feeds };
}

type Input = (name: string, shape: readonly number[], scale?: number) => Value;

function applyLayer(one: Layer, x: Value, before: Value, input: Input): Value {
  const [n, c, h, w] = x.shape as number[];
  switch (one.kind) {
    case 'conv': {
      const weight = input(
        'weight',
        [one.channels, c, one.kernel, one.kernel],
        1 / Math.sqrt(c * one.kernel ** 2),
      );
      return conv2d(x, weight, { stride: one.stride, padding: (one.kernel - 1) / 2 });
    }
    case 'activation':
      return ACTIVATIONS[one.name](x);
    case 'norm':
      // over few numbers it is a step function, which no rounding leaves alone
      if (n * h * w < 32) return x;
      return batchNorm(x, input('scale', [c]), input('bias', [c])).y;
    case 'maxPool':
      return Math.min(h, w) < 3 ? x : maxPool2d(x, 3, { stride: 2, padding: 1 });
    case 'averagePool':
      return Math.min(h, w) < 2 ? x : averagePool2d(x, 2);
    case 'residual':
      return before.shape.join() === x.shape.join() ? add(x, before) : x;
    case 'gate':
      if (one.over === 'channel') return mul(x, input('gate', [c, 1, 1]));
      if (one.over === 'pixel') return mul(x, sigmoid(reduceMean(x, [1], 1)));
      return mul(x, reshape(sigmoid(globalAveragePool(x)), [n, c, 1, 1]));
  }
}
