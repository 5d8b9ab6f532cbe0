/** Every implementation of every composite against direct loops or the direct formula. */
import fc from 'fast-check';
import { Graph, type Attributes } from '../../src/graph/graph';
import { RULES } from '../../src/lowering/rules';
import { batchNormInference } from '../../src/ops/norm';
import { averagePool2d, globalAveragePool, maxPool2d } from '../../src/ops/pool';
import { relu } from '../../src/ops/activation';
import { conv2d } from '../../src/ops/conv';
import type { Shape } from '../../src/graph/shape';
import type { HostTensor } from '../../src/tensors/dtype';
import { callOp } from '../ops/table';
import { runGraph, type Tensors } from '../support/run';
import { expectClose, numbersOf, randomTensor, tensorOf } from '../support/tensors';
import {
  averagePool,
  convolve,
  mapSize,
  maxPool,
  type ConvSizes,
  type Size,
  type WindowAttributes,
} from './reference';

/** Implementations without a float64 kernel in ONNX Runtime's CPU provider: they are compared in float32. */
const FLOAT32 = new Set([
  'Conv2d plain',
  'Conv2dInputGradient plain',
  'Conv2dInputGradient flipped',
  'Conv2dWeightGradient plain',
  'AveragePool2dGradient plain',
  'AveragePool2d plain',
  'LayerNorm plain',
  'ReluGradient hardSigmoid',
  'Gelu plain',
  'GeluGradient plain',
]);
/** Float32 sums of these lengths lose less; in float64 there is room for every order of summation. */
const TOLERANCE = { float32: 3e-6, float64: 1e-11 };

/** The implementations that can compute this node. */
function names(composite: string, inputs: readonly HostTensor[], attrs: Attributes): string[] {
  const graph = new Graph('types');
  const values = inputs.map((x, i) => graph.input(`x${i}`, x.dtype, x.shape));
  return RULES[composite]
    .map(({ implementation }) => implementation)
    .filter(({ when }) => when(values, attrs, { provider: 'cpu', precision: 'fast' }))
    .map(({ name }) => name);
}
const precisionOf = (composite: string, implementation: string) =>
  FLOAT32.has(`${composite} ${implementation}`) ? 'float32' : 'float64';

/** The outputs of one composite, lowered as asked. */
async function lowered(
  composite: string,
  implementation: string,
  inputs: readonly HostTensor[],
  attrs: Attributes,
): Promise<HostTensor[]> {
  const dtype = precisionOf(composite, implementation);
  const graph = new Graph('implementation');
  const fed = inputs.map((x) => tensorOf(dtype, x.shape, numbersOf(x)));
  const values = fed.map((x, i) => graph.input(`x${i}`, dtype, x.shape));
  callOp(composite, values, attrs).forEach((y, i) => graph.output(`y${i}`, y));
  const feeds: Tensors = Object.fromEntries(fed.map((x, i) => [`x${i}`, x]));
  const results = await runGraph(graph, feeds, { implementations: { [composite]: implementation } });
  return graph.outputs.map(({ name }) => results[name]);
}

/** Every implementation of `composite` gives `expected`. */
async function expectImplementations(
  composite: string,
  inputs: readonly HostTensor[],
  attrs: Attributes,
  expected: readonly Pick<HostTensor, 'shape' | 'data'>[],
): Promise<void> {
  for (const implementation of names(composite, inputs, attrs)) {
    const actual = await lowered(composite, implementation, inputs, attrs);
    const tolerance = TOLERANCE[precisionOf(composite, implementation)];
    expected.forEach((y, i) => expectClose(actual[i], y, tolerance));
  }
}

const random = (shape: readonly number[], stream: string) => randomTensor(shape, stream);
const plainTensor = (shape: readonly number[], numbers: readonly number[]) =>
  tensorOf('float64', shape, numbers);

interface ConvCase extends ConvSizes {
  readonly attrs: WindowAttributes;
}

const fits = (size: Size, attrs: WindowAttributes) => mapSize(size, attrs).every((count) => count > 0);

async function checkConvolution({ attrs, ...sizes }: ConvCase): Promise<void> {
  const { n, group, cg, og, size } = sizes;
  const { kernel, ...window } = attrs;
  const x = random([n, group * cg, ...size], 'x');
  const w = random([group * og, cg, ...kernel], 'w');
  const dy = random([n, group * og, ...mapSize(size, attrs)], 'dy');
  const expected = convolve(sizes, attrs, numbersOf(x), numbersOf(w), numbersOf(dy));
  const node = { ...window, group };
  await expectImplementations('Conv2d', [x, w], node, [plainTensor(dy.shape, expected.y)]);
  const dx = [plainTensor(x.shape, expected.dx)];
  await expectImplementations('Conv2dInputGradient', [dy, w], { ...node, inputShape: size }, dx);
  const dw = [plainTensor(w.shape, expected.dw)];
  await expectImplementations('Conv2dWeightGradient', [x, dy], { ...node, kernelShape: kernel }, dw);
}

const window = (
  kernel: Size,
  strides: Size = [1, 1],
  pads: WindowAttributes['pads'] = [0, 0, 0, 0],
  dilations: Size = [1, 1],
): WindowAttributes => ({ kernel, strides, pads, dilations });

describe('convolution', () => {
  const one = { n: 2, group: 1, cg: 3, og: 4 };
  const cases: readonly (readonly [string, ConvCase])[] = [
    ['odd size, stride 2', { ...one, size: [7, 5], attrs: window([3, 3], [2, 2], [1, 1, 1, 1]) }],
    ['stride 3', { ...one, size: [8, 9], attrs: window([3, 3], [3, 3], [1, 1, 1, 1]) }],
    ['pointwise', { ...one, size: [4, 5], attrs: window([1, 1]) }],
    [
      'pointwise, stride 2: pixels that no window reaches',
      { ...one, size: [5, 6], attrs: window([1, 1], [2, 2]) },
    ],
    ['pointwise with padding', { ...one, size: [3, 3], attrs: window([1, 1], [2, 2], [1, 1, 1, 1]) }],
    ['2x2 map', { ...one, size: [2, 2], attrs: window([3, 3], [1, 1], [1, 1, 1, 1]) }],
    ['one pixel', { ...one, size: [1, 1], attrs: window([3, 3], [1, 1], [1, 1, 1, 1]) }],
    ['one pixel, stride 2', { ...one, size: [1, 1], attrs: window([3, 3], [2, 2], [1, 1, 1, 1]) }],
    ['stride beyond the kernel', { ...one, size: [8, 7], attrs: window([2, 2], [3, 3]) }],
    ['dilation', { ...one, size: [7, 8], attrs: window([3, 2], [1, 2], [2, 0, 2, 1], [2, 3]) }],
    ['one-sided padding', { ...one, size: [4, 4], attrs: window([2, 3], [1, 1], [0, 2, 1, 0]) }],
    ['groups', { n: 2, group: 3, cg: 2, og: 1, size: [5, 4], attrs: window([3, 3], [2, 1], [1, 1, 1, 1]) }],
    [
      'depthwise',
      { n: 1, group: 4, cg: 1, og: 2, size: [4, 4], attrs: window([3, 3], [1, 1], [1, 1, 1, 1]) },
    ],
    ['pointwise in groups', { n: 1, group: 2, cg: 2, og: 3, size: [3, 5], attrs: window([1, 1], [2, 2]) }],
    [
      'tiles of 4',
      { n: 2, group: 1, cg: 3, og: 2, size: [8, 12], attrs: window([3, 3], [1, 1], [1, 1, 1, 1]) },
    ],
    [
      'one tile of 4',
      { n: 3, group: 1, cg: 2, og: 3, size: [4, 4], attrs: window([3, 3], [1, 1], [1, 1, 1, 1]) },
    ],
    [
      'tiles of 2',
      { n: 2, group: 1, cg: 2, og: 3, size: [6, 4], attrs: window([3, 3], [1, 1], [1, 1, 1, 1]) },
    ],
    [
      'dense, corners only',
      { n: 2, group: 1, cg: 2, og: 3, size: [2, 1], attrs: window([2, 2], [1, 1], [1, 0, 0, 1]) },
    ],
    ['wide output', { n: 1, group: 1, cg: 128, og: 256, size: [2, 2], attrs: window([1, 1]) }],
  ];
  test.each(cases)('%s', (_name, row) => checkConvolution(row));

  test('any sizes', async () => {
    const pair = (min: number, max: number) => fc.tuple(fc.integer({ min, max }), fc.integer({ min, max }));
    const attrs = fc.record({
      kernel: pair(1, 4),
      strides: pair(1, 3),
      dilations: pair(1, 3),
      pads: fc.tuple(pair(0, 2), pair(0, 2)).map(([[top, left], end]) => [top, left, ...end] as const),
    });
    const small = fc.integer({ min: 1, max: 2 });
    const arbitrary = fc
      .record({ n: small, group: small, cg: small, og: small, size: pair(1, 7), attrs })
      .filter(({ size, attrs: a }) => fits(size, a));
    await fc.assert(fc.asyncProperty(arbitrary, checkConvolution), { numRuns: 60 });
  });
});

describe('pooling', () => {
  const cases: readonly (readonly [string, Size, WindowAttributes])[] = [
    ['2x2', [4, 6], window([2, 2], [2, 2])],
    ['odd size', [5, 7], window([2, 2], [2, 2])],
    ['overlapping with padding', [7, 6], window([3, 3], [2, 2], [1, 1, 1, 1])],
    ['stride 1', [4, 5], window([3, 3], [1, 1], [1, 1, 1, 1])],
    ['stride beyond the kernel', [8, 7], window([2, 2], [3, 3])],
    ['one window', [3, 3], window([3, 3])],
    ['2x2 map', [2, 2], window([3, 3], [2, 2], [1, 1, 1, 1])],
    ['1x1 window', [3, 4], window([1, 1], [2, 2])],
    ['one-sided padding', [5, 4], window([3, 2], [1, 2], [1, 0, 0, 1])],
  ];

  test.each(cases)('%s', async (_name, size, attrs) => {
    const x = random([2, 3, ...size], 'x');
    const dy = random([2, 3, ...mapSize(size, attrs)], 'dy');
    const node = { kernel_shape: attrs.kernel, strides: attrs.strides, pads: attrs.pads };
    const most = maxPool(6, size, attrs, numbersOf(x), numbersOf(dy));
    await expectImplementations('MaxPool2d', [x], node, [plainTensor(dy.shape, most.y)]);
    await expectImplementations('MaxPool2dGradient', [dy, x], node, [plainTensor(x.shape, most.dx)]);
    for (const count_include_pad of [0, 1]) {
      const mean = averagePool(6, size, attrs, count_include_pad === 1, numbersOf(x), numbersOf(dy));
      const all = { ...node, count_include_pad };
      await expectImplementations('AveragePool2d', [x], all, [plainTensor(dy.shape, mean.y)]);
      const dx = [plainTensor(x.shape, mean.dx)];
      await expectImplementations('AveragePool2dGradient', [dy], { ...all, inputShape: size }, dx);
    }
  });

  test('among equal elements the first gets the gradient', async () => {
    const attrs = window([3, 3], [2, 2], [1, 1, 1, 1]);
    const x = plainTensor([1, 1, 4, 4], new Array<number>(16).fill(2));
    const dy = random([1, 1, 2, 2], 'dy');
    const { dx } = maxPool(1, [4, 4], attrs, numbersOf(x), numbersOf(dy));
    const node = { kernel_shape: attrs.kernel, strides: attrs.strides, pads: attrs.pads };
    await expectImplementations('MaxPool2dGradient', [dy, x], node, [plainTensor(x.shape, dx)]);
  });

  test.each([[[2, 3, 4, 5]], [[2, 3, 1, 1]], [[1, 2, 7, 3]]])('global, %j', async (shape) => {
    const [n, c, h, w] = shape;
    const x = random(shape, 'x');
    const dy = random([n, c], 'dy');
    const sums = Array.from({ length: n * c }, (_, i) =>
      numbersOf(x)
        .slice(i * h * w, (i + 1) * h * w)
        .reduce((a, b) => a + b, 0),
    );
    await expectImplementations('GlobalAveragePool2d', [x], {}, [
      plainTensor(
        [n, c],
        sums.map((v) => v / (h * w)),
      ),
    ]);
    const spread = numbersOf(dy).flatMap((v) => new Array<number>(h * w).fill(v / (h * w)));
    await expectImplementations('GlobalAveragePool2dGradient', [dy], { inputShape: [h, w] }, [
      plainTensor(shape, spread),
    ]);
  });
});

/** The other implementations against the direct formula, which table.test.ts and torch.test.ts check. */
describe.each([
  ['odd sizes', [3, 5, 3, 7]],
  ['many rows: sums in slices', [4, 3, 16, 8]],
  ['one pixel', [6, 3, 1, 1]],
  ['one image', [1, 4, 4, 4]],
])('normalization of images: %s', (_name, shape) => {
  const channels = [shape[1]];
  const x = random(shape, 'x');
  const rows = ['scale', 'bias', 'mean'].map((stream) => random(channels, stream));
  const variance = plainTensor(
    channels,
    numbersOf(random(channels, 'variance')).map((v) => v * v + 0.1),
  );
  const epsilon = { epsilon: 1e-5 };

  test('training', async () => {
    const inputs = [x, rows[0], rows[1]];
    const expected = await lowered('BatchNorm', 'plain', inputs, epsilon);
    await expectImplementations('BatchNorm', inputs, epsilon, expected);
    const gradientInputs = [random(shape, 'dy'), x, rows[0], expected[1], expected[2]];
    const gradient = await lowered('BatchNormGradient', 'plain', gradientInputs, epsilon);
    await expectImplementations('BatchNormGradient', gradientInputs, epsilon, gradient);
  });

  test('inference', async () => {
    const inputs = [x, ...rows, variance];
    const [scale, bias, mean] = rows.map(numbersOf);
    const pixels = shape[2] * shape[3];
    const y = numbersOf(x).map((v, i) => {
      const c = Math.floor(i / pixels) % shape[1];
      return (scale[c] * (v - mean[c])) / Math.sqrt(Number(variance.data[c]) + 1e-5) + bias[c];
    });
    await expectImplementations('BatchNormInference', inputs, epsilon, [plainTensor(shape, y)]);
  });
});

test.each([[[6]], [[5, 8]], [[2, 3, 7]], [[130, 4]]])('layer norm of %j', async (shape) => {
  const last = shape.slice(-1);
  const inputs = [random(shape, 'x'), random(last, 'scale'), random(last, 'bias')];
  const expected = await lowered('LayerNorm', 'formula', inputs, { epsilon: 1e-5 });
  await expectImplementations('LayerNorm', inputs, { epsilon: 1e-5 }, expected);
});

test('the gradient of ReLU passes where the output is positive, however small', async () => {
  const y = [0, 1e-20, 3, 0, 5e9, 0.25];
  const dy = random([6], 'dy');
  const expected = numbersOf(dy).map((d, i) => (y[i] > 0 ? d : 0));
  await expectImplementations('ReluGradient', [dy, plainTensor([6], y)], {}, [plainTensor([6], expected)]);
});

describe('a batch size known only at run time', () => {
  const image: Shape = ['batch', 3, 6, 5];
  const build = (stage: string) => {
    const graph = new Graph('dynamic');
    const x = graph.input('x', 'float32', stage === 'static' ? [2, 3, 6, 5] : image);
    const constant = (shape: readonly number[], stream: string) => {
      const { dtype, data } = randomTensor(shape, stream, 'float32');
      return graph.tensor(dtype, shape, data);
    };
    const row = (stream: string) => constant([4], stream);
    const variance = graph.constant('float32', [4], [0.5, 1, 2, 3]);
    const y = conv2d(x, constant([4, 3, 3, 3], 'w'), { padding: 1 });
    const normalized = relu(batchNormInference(y, row('scale'), row('bias'), row('mean'), variance));
    graph.output('max', maxPool2d(normalized, 3, { stride: 2, padding: 1 }));
    graph.output('mean', averagePool2d(normalized, 2));
    graph.output('embedding', globalAveragePool(normalized));
    return graph;
  };

  test('the same numbers as with static sizes, and the size in the output types', async () => {
    const dynamic = build('dynamic');
    expect(dynamic.outputs.map((o) => o.value.shape)).toEqual([
      ['batch', 4, 3, 3],
      ['batch', 4, 3, 2],
      ['batch', 4],
    ]);
    const x = randomTensor([2, 3, 6, 5], 'x', 'float32');
    const expected = await runGraph(build('static'), { x });
    const actual = await runGraph(dynamic, { x });
    for (const name of Object.keys(expected)) expectClose(actual[name], expected[name], TOLERANCE.float32);
    const three = await runGraph(dynamic, { x: randomTensor([3, 3, 6, 5], 'x', 'float32') });
    expect([...three.embedding.shape]).toEqual([3, 4]);
  });
});

test('an implementation that does not exist is an error that names those that do', async () => {
  const x = random([1, 1, 2, 2], 'x');
  const w = random([1, 1, 1, 1], 'w');
  const attrs = { strides: [1, 1], pads: [0, 0, 0, 0], dilations: [1, 1], group: 1 };
  await expect(lowered('Conv2d', 'fourier', [x, w], attrs)).rejects.toThrow(
    'no implementation fourier of Conv2d fits at  (there are: dense, winograd4, winograd2, rows, plain)',
  );
});

test('every composite with a rule is checked here', () => {
  const checked = /^(Conv2d|BatchNorm|LayerNorm|Relu|MaxPool2d|AveragePool2d|GlobalAveragePool2d)/;
  // One implementation each: table.test.ts and torch.test.ts check them.
  const single = [
    'LayerNormGradient',
    'Gelu',
    'GeluGradient',
    // One implementation each; fusion.test.ts checks them against the composites that they replace.
    'PointwiseBatchNorm',
    'PointwiseBatchNormGradient',
  ];
  expect(single.map((composite) => RULES[composite].length)).toEqual([1, 1, 1, 1, 1]);
  expect(Object.keys(RULES).filter((name) => !checked.test(name) && !single.includes(name))).toEqual([]);
});
