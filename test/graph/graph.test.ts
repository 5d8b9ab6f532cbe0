/** Building: errors at the call, scopes, and where a node was built. */
import { builtAt } from '../../src/autodiff/gradients';
import { Graph } from '../../src/graph/graph';
import { defineOp } from '../../src/graph/op';
import { broadcastShapes } from '../../src/graph/shape';
import { relu } from '../../src/ops/activation';
import { conv2d } from '../../src/ops/conv';
import { add, bitwiseAnd, div, exp, where } from '../../src/ops/elementwise';
import { gather } from '../../src/ops/gather';
import { gemm, matmul } from '../../src/ops/matmul';
import { batchNorm, layerNorm } from '../../src/ops/norm';
import { maxPool2d } from '../../src/ops/pool';
import { reduceSum } from '../../src/ops/reduce';
import { concat, expand, flatten, pad, reshape, slice, transpose } from '../../src/ops/shape';

describe('errors at the call', () => {
  const graph = new Graph('test');
  const x = graph.input('x', 'float32', [2, 3]);
  const y = graph.input('y', 'float32', [4, 5]);
  const wide = graph.input('wide', 'float64', [2, 3]);
  const labels = graph.input('labels', 'int64', [2]);
  const image = graph.input('image', 'float32', [2, 3, 8, 8]);
  const weight = graph.input('weight', 'float32', [4, 3, 3, 3]);
  const dynamic = graph.input('dynamic', 'float32', ['batch', 'tokens', 4]);
  const channels = graph.input('channels', 'float32', [4]);

  test.each<[string, () => unknown, string]>([
    ['shapes', () => add(x, y), 'Add at /: shapes do not broadcast (got float32[2, 3], float32[4, 5])'],
    [
      'dtypes',
      () => add(x, wide),
      'Add at /: expected operands of one dtype (got float32[2, 3], float64[2, 3])',
    ],
    ['no floats', () => exp(labels), 'Exp at /: expected one of float32, float64, float16 (got int64[2])'],
    [
      'no integers',
      () => bitwiseAnd(x, x),
      'BitwiseAnd at /: expected integers (got float32[2, 3], float32[2, 3])',
    ],
    ['inner sizes', () => matmul(x, y), 'MatMul at /: inner sizes differ (got float32[2, 3], float32[4, 5])'],
    [
      'a third operand',
      () => gemm(x, x, { transB: 1 }, channels),
      'Gemm at /: the third operand does not broadcast',
    ],
    ['a condition', () => where(x, x, x), 'Where at /: expected a bool condition'],
    ['indices', () => gather(x, x), 'Gather at /: expected integer indices'],
    [
      'a permutation',
      () => transpose(x, [0, 0]),
      'Transpose at /: perm [0, 0] is no permutation of the axes',
    ],
    ['a reshape', () => reshape(x, [4, 2]), 'Reshape at /: cannot be reshaped to [4, 2] (got float32[2, 3])'],
    [
      'two symbols',
      () => reshape(dynamic, ['batch', 'tokens', 2, 2]),
      'Reshape at /: expected at most one symbolic',
    ],
    ['a merged symbol', () => flatten(dynamic, 1, 2), 'flatten: a symbolic size cannot be merged'],
    ['an expansion', () => expand(x, [4, 3]), 'Expand at /: does not broadcast to [4, 3]'],
    ['a slice', () => slice(x, 1, 2, 4), 'Slice at /: 2:4:1 is outside axis 1 of size 3 (got float32[2, 3])'],
    ['a symbolic slice', () => slice(dynamic, 0, 0, 1), 'Slice at /: axis 0 has no static size'],
    ['pads', () => pad(x, [-1, 0], [0, 0]), 'Pad at /: expected 4 non-negative pads'],
    ['parts', () => concat([x, y], 0), 'Concat at /: operands differ in more than axis 0'],
    ['an axis', () => reduceSum(x, [2]), 'axis 2 is outside a tensor of rank 2'],
    ['an image', () => conv2d(x, weight), 'Conv2d at /: expected x [N, C, H, W] and w [O, C/group, kh, kw]'],
    ['groups', () => conv2d(image, weight, { groups: 3 }), 'Conv2d at /: channels do not fit 3 group(s)'],
    [
      'a window',
      () => conv2d(image, weight, { dilation: 4 }),
      'Conv2d at /: a window of 9 does not fit a size of 8',
    ],
    ['a pool', () => maxPool2d(image, 2, { padding: 2 }), 'padding 2 is more than half of the window 2'],
    [
      'statistics',
      () => batchNorm(image, channels, channels),
      "BatchNorm at /: expected rows [C] of x's dtype after x",
    ],
    [
      'a bias',
      () => layerNorm(dynamic, channels, x),
      'LayerNorm at /: expected scale and bias of the last axis',
    ],
  ])('%s', (_name, call, message) => {
    expect(call).toThrow(message);
  });

  test('a failing call adds no node, and the error names the scope', () => {
    const before = graph.nodes.length;
    expect(() => graph.scope('layer1/0', () => graph.scope('conv1', () => add(x, y)))).toThrow(
      'Add at /layer1/0/conv1: ',
    );
    expect(graph.nodes).toHaveLength(before);
    expect(graph.currentScope).toBe('');
  });

  test('a convolution whose height is known only at run time', () => {
    const images = graph.input('images', 'float32', [1, 3, 'height', 8]);
    expect(() => conv2d(images, weight)).toThrow('Conv2d at /: height and width need static sizes');
  });

  test('operands of two graphs', () => {
    expect(() => add(x, new Graph('other').input('x', 'float32', [3]))).toThrow(
      'operands belong to different graphs',
    );
  });

  test('names of inputs and outputs are taken once', () => {
    const ports = new Graph('ports');
    const a = ports.input('a', 'float32', []);
    ports.output('b', a);
    expect(() => ports.input('a', 'float32', [])).toThrow('graph input a: the name is taken by an input');
    expect(() => ports.output('a', a)).toThrow('graph output a: the name is taken by an input');
    expect(() => ports.output('b', a)).toThrow('graph output b: the name is taken by an output');
    expect(() => ports.output('c', x)).toThrow('belongs to another graph');
  });

  test('a constant of the wrong length', () => {
    expect(() => graph.constant('float32', [2, 2], [1, 2, 3])).toThrow(
      'constant of shape [2, 2] got 3 elements',
    );
  });

  test('an operator is defined once', () => {
    expect(() => defineOp('Relu', { infer: ([v]) => [v] })).toThrow('operator Relu is defined twice');
  });
});

describe('scopes', () => {
  test('nest, take slashes, and are left after an error', () => {
    const graph = new Graph('test');
    const x = graph.input('x', 'float32', [1]);
    const scopes = graph.scope('layer1', () => [
      relu(x).node?.scope,
      graph.scope('0/conv1/', () => relu(x).node?.scope),
      relu(x).node?.scope,
    ]);
    expect(scopes).toEqual(['/layer1', '/layer1/0/conv1', '/layer1']);
    expect(() =>
      graph.scope('a', () => {
        throw new Error('stop');
      }),
    ).toThrow('stop');
    expect(relu(x).node?.scope).toBe('');
  });
});

test('builtAt gives the line of the caller, not of the builder', () => {
  const graph = new Graph('test');
  const x = graph.input('x', 'float32', [1, 1, 2, 2]);
  for (const y of [relu(x), div(x, 2), conv2d(x, graph.constant('float32', [1, 1, 1, 1], [1]))]) {
    if (!y.node) throw new Error('expected a node');
    expect(builtAt(y.node)).toMatch(/graph\.test\.[jt]s:\d+:\d+/);
  }
});

test('broadcastShapes follows NumPy, with symbolic sizes', () => {
  expect(broadcastShapes([2, 1], [3])).toEqual([2, 3]);
  expect(broadcastShapes([], [4])).toEqual([4]);
  expect(broadcastShapes(['batch', 1], ['batch', 5])).toEqual(['batch', 5]);
  expect(broadcastShapes(['batch'], [1])).toEqual(['batch']);
  expect(broadcastShapes(['batch'], [2])).toBeNull();
  expect(broadcastShapes([2], [3])).toBeNull();
});
