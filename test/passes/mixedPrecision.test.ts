/** Mixed precision: which operators compute in float16, where casts stand, and what it does to the numbers. */
import { gradients } from '../../src/autodiff/gradients';
import { Graph, type Value } from '../../src/graph/graph';
import { gelu, relu } from '../../src/ops/activation';
import { conv2d } from '../../src/ops/conv';
import { add, mul } from '../../src/ops/elementwise';
import { matmul } from '../../src/ops/matmul';
import { batchNorm, layerNorm } from '../../src/ops/norm';
import { globalAveragePool } from '../../src/ops/pool';
import { reduceMean, reduceSum } from '../../src/ops/reduce';
import { reshape, transpose } from '../../src/ops/shape';
import { softmax } from '../../src/ops/softmax';
import { mixedPrecision } from '../../src/passes/mixedPrecision';
import { runGraph, type Tensors } from '../support/run';
import { numbersOf, randomTensor, relativeDistance } from '../support/tensors';

/** Operators with the dtype of their first output, in order. */
const steps = (graph: Graph) =>
  graph.nodes.map(({ op, outputs }) => `${op.type} ${outputs[0].dtype.replace('float', '')}`);

function mixed(build: (graph: Graph) => readonly Value[]): Graph {
  const graph = new Graph('test');
  build(graph).forEach((y, i) => graph.output(`y${i}`, y));
  return mixedPrecision(graph);
}

test('between two products nothing but the norm leaves float16', () => {
  const graph = mixed((g) => {
    const x = g.input('x', 'float32', [2, 4, 4, 4]);
    const w = g.input('w', 'float32', [4, 4, 3, 3]);
    const c = g.input('c', 'float32', [4]);
    const h = conv2d(x, w, { padding: 1 });
    const y = relu(batchNorm(h, c, c).y);
    return [add(conv2d(y, w, { padding: 1 }), h)];
  });
  expect(steps(graph)).toEqual([
    ...['Cast 16', 'Cast 16', 'Conv2d 16', 'Cast 32', 'BatchNorm 32', 'Cast 16', 'Relu 16'],
    // w is not cast again
    ...['Conv2d 16', 'Add 16', 'Cast 32'],
  ]);
  expect([...graph.inputs, ...graph.outputs.map((o) => o.value)].map((v) => v.dtype)).toEqual(
    new Array(4).fill('float32'),
  );
});

test('softmax, layer norm, reductions and losses are float32, and so is a sum with one of them', () => {
  const graph = mixed((g) => {
    const x = g.input('x', 'float32', [4, 4]);
    const c = g.input('c', 'float32', [4]);
    const attention = matmul(softmax(mul(matmul(x, transpose(x, [1, 0])), 0.5)), x);
    const y = layerNorm(add(x, attention), c, c);
    return [reduceSum(add(gelu(matmul(y, x)), y))];
  });
  expect(steps(graph)).toEqual([
    ...['Transpose 32', 'Cast 16', 'Cast 16', 'MatMul 16', 'Cast 32', 'Mul 32', 'Softmax 32'],
    ...['Cast 16', 'MatMul 16', 'Cast 32', 'Add 32', 'LayerNorm 32'],
    ...['Cast 16', 'MatMul 16', 'Cast 32', 'Gelu 32', 'Cast 16', 'Cast 32', 'Add 32', 'ReduceSum 32'],
  ]);
});

test('constants become float16 constants, integers and other dtypes stay', () => {
  const constant = mixed((g) => {
    const x = g.input('x', 'float32', [1, 2]);
    return [matmul(x, g.constant('float32', [2, 1], [1, -2]))];
  });
  expect(steps(constant)).toEqual(['Cast 16', 'MatMul 16', 'Cast 32']);
  expect(Array.from(constant.nodes[1].inputs[1]?.constant ?? [], Number)).toEqual([0x3c00, 0xc000]);
  const wide = mixed((g) => {
    const x = g.input('x', 'float64', [2, 2]);
    return [matmul(x, x), reshape(g.input('i', 'int64', [4]), [2, 2])];
  });
  expect(steps(wide)).toEqual(['MatMul 64', 'Reshape int64']);
});

test('a network with its gradients: float16 rounding, no more', async () => {
  const graph = new Graph('net');
  const feeds: Tensors = {
    x: randomTensor([4, 3, 8, 8], 'x', 'float32'),
    w1: randomTensor([8, 3, 3, 3], 'w1', 'float32'),
    w2: randomTensor([8, 8, 3, 3], 'w2', 'float32'),
    w3: randomTensor([8, 5], 'w3', 'float32'),
    scale: randomTensor([8], 'scale', 'float32'),
    bias: randomTensor([8], 'bias', 'float32'),
  };
  const inputs = Object.entries(feeds).map(([name, { shape }]) => graph.input(name, 'float32', shape));
  const [x, w1, w2, w3, scale, bias] = inputs;
  const h = conv2d(x, w1, { padding: 1 });
  const y = add(h, conv2d(relu(batchNorm(h, scale, bias).y), w2, { padding: 1 }));
  const z = matmul(globalAveragePool(relu(batchNorm(y, scale, bias).y)), w3);
  const loss = reduceMean(mul(z, z));
  graph.output('loss', loss);
  gradients(loss, inputs).forEach((g, i) => graph.output(`g${i}`, g));
  const expected = await runGraph(graph, feeds);
  const actual = await runGraph(mixedPrecision(graph), feeds);
  const distances = graph.outputs.map(({ name }) => {
    expect(actual[name].dtype).toBe('float32');
    return relativeDistance(numbersOf(actual[name]), numbersOf(expected[name]));
  });
  // One rounding is at most 2^-11; a float32 implementation against another would agree to 1e-6.
  expect(Math.max(...distances)).toBeLessThan(2 ** -7);
  expect(Math.min(...distances.slice(1))).toBeGreaterThan(1e-5);
});

test('what only constants go into stays in float32', () => {
  const graph = mixed((g) => [add(g.constant('float32', [2], [1, 2]), g.constant('float32', [2], [3, 4]))]);
  expect(steps(graph)).toEqual(['Add 32']);
});
