/** The reverse walk: sharing, broadcasting, what has no gradient, and its errors. */
import { gradients } from '../../src/autodiff/gradients';
import { Graph, type Value } from '../../src/graph/graph';
import { relu } from '../../src/ops/activation';
import { add, cast, exp, greater, mul, sub, where } from '../../src/ops/elementwise';
import { matmul } from '../../src/ops/matmul';
import { batchNorm } from '../../src/ops/norm';
import { reduceSum } from '../../src/ops/reduce';
import { concat, reshape, slice, tile } from '../../src/ops/shape';
import { runGraph } from '../support/run';
import { numbersOf, tensorOf } from '../support/tensors';

const a = [1, 2, 3, 4, 5, 6];

/** Gradients of sum(build(a, b)) for a = 1 .. 6 in [2, 3] and b = [10, 20, 30]. */
async function differentiate(build: (a: Value, b: Value) => Value): Promise<number[][]> {
  const graph = new Graph('test');
  const inputs = [graph.input('a', 'float64', [2, 3]), graph.input('b', 'float64', [3])];
  const found = gradients(reduceSum(build(inputs[0], inputs[1])), inputs);
  found.forEach((g, i) => graph.output(`g${i}`, g));
  expect(found.map((g) => g.shape)).toEqual([[2, 3], [3]]);
  const results = await runGraph(graph, {
    a: tensorOf('float64', [2, 3], a),
    b: tensorOf('float64', [3], [10, 20, 30]),
  });
  return [numbersOf(results.g0), numbersOf(results.g1)];
}

describe('gradients', () => {
  test('a value used twice by one node', async () => {
    const [da] = await differentiate((x) => mul(x, x));
    expect(da).toEqual(a.map((v) => 2 * v));
  });

  test('a value used by several nodes', async () => {
    const [da] = await differentiate((x) => add(mul(x, 3), sub(mul(x, x), x)));
    expect(da).toEqual(a.map((v) => 2 + 2 * v));
  });

  test('a diamond: the shared part is walked once', async () => {
    const graph = new Graph('test');
    const x = graph.input('x', 'float64', [2]);
    const shared = exp(x);
    const [dx] = gradients(reduceSum(mul(add(shared, 1), mul(shared, 2))), [x]);
    graph.output('dx', dx);
    expect(
      graph.nodes.filter((n) => n.scope === '/grad' && n.inputs.includes(shared)).length,
    ).toBeGreaterThan(0);
    const results = await runGraph(graph, { x: tensorOf('float64', [2], [0, 1]) });
    const expected = [0, 1].map((v) => 4 * Math.exp(2 * v) + 2 * Math.exp(v));
    numbersOf(results.dx).forEach((v, i) => expect(v).toBeCloseTo(expected[i], 12));
  });

  test('broadcasting is undone', async () => {
    const [da, db] = await differentiate((x, row) => mul(x, row));
    expect(da).toEqual([10, 20, 30, 10, 20, 30]);
    expect(db).toEqual([5, 7, 9]);
  });

  test('parts of a value that are left out get zeros', async () => {
    const [da] = await differentiate((x) => concat([slice(x, 1, 0, 1), mul(slice(x, 1, 2, 3), 5)], 1));
    expect(da).toEqual([1, 0, 5, 1, 0, 5]);
  });

  test('an input that the loss does not use gets zeros of its shape', async () => {
    const [da, db] = await differentiate((x) => mul(x, 2));
    expect(da).toEqual([2, 2, 2, 2, 2, 2]);
    expect(db).toEqual([0, 0, 0]);
  });

  test('no gradient flows through comparisons', async () => {
    const [da] = await differentiate((x) =>
      where(greater(x, 3), mul(x, x), mul(cast(greater(x, 1), 'float64'), x)),
    );
    expect(da).toEqual([0, 1, 1, 8, 10, 12]);
  });

  test('values in the middle, and the loss itself', async () => {
    const graph = new Graph('test');
    const x = graph.input('x', 'float64', [2]);
    const y = mul(x, 3);
    const loss = reduceSum(mul(y, y));
    ['dy', 'dloss', 'dx'].forEach((name, i) => graph.output(name, gradients(loss, [y, loss, x])[i]));
    const results = await runGraph(graph, { x: tensorOf('float64', [2], [1, 2]) });
    expect(numbersOf(results.dy)).toEqual([6, 12]);
    expect(numbersOf(results.dloss)).toEqual([1]);
    expect(numbersOf(results.dx)).toEqual([18, 36]);
  });

  test('a constant can be asked for', async () => {
    const graph = new Graph('test');
    const x = graph.input('x', 'float64', [2]);
    const c = graph.constant('float64', [2], [1, 1]);
    graph.output('dc', gradients(reduceSum(mul(x, c)), [c])[0]);
    const results = await runGraph(graph, { x: tensorOf('float64', [2], [4, 5]) });
    expect(numbersOf(results.dc)).toEqual([4, 5]);
  });

  test('only what is asked for is emitted, under /grad and the scope of the node', () => {
    const graph = new Graph('test');
    const x = graph.input('x', 'float32', [2, 3]);
    const w = graph.input('w', 'float32', [3, 4]);
    const y = graph.scope('layer', () => matmul(x, w));
    const before = graph.nodes.length;
    gradients(reduceSum(y), [w]);
    const made = graph.nodes.slice(before);
    expect(made.filter((n) => n.op.type === 'Gemm').map((n) => n.scope)).toEqual(['/grad/layer']);
    expect(made.filter((n) => n.op.type === 'MatMul')).toEqual([]);
  });

  test('a node with several gradients is one node', () => {
    const graph = new Graph('test');
    const x = graph.input('x', 'float32', [2, 3, 4, 4]);
    const [scale, bias] = ['scale', 'bias'].map((name) => graph.input(name, 'float32', [3]));
    gradients(reduceSum(relu(batchNorm(x, scale, bias).y)), [x, scale, bias]);
    expect(graph.nodes.filter((n) => n.op.type === 'BatchNormGradient')).toHaveLength(1);
  });
});

describe('errors', () => {
  test('a loss that is no scalar', () => {
    const graph = new Graph('test');
    const x = graph.input('x', 'float32', [2]);
    expect(() => gradients(mul(x, x), [x])).toThrow('the loss has shape [2], expected a scalar');
  });

  test('an operator without a rule: its name, scope and the line that called it', () => {
    const graph = new Graph('test');
    const x = graph.input('x', 'float32', [2]);
    const y = graph.scope('block/tiles', () => tile(x, [3]));
    const find = () => gradients(reduceSum(y), [x]);
    expect(find).toThrow(
      /^Tile has no gradient \(node at \/block\/tiles, built at .*gradients\.test\.[jt]s:\d+:\d+\)?\)$/,
    );
  });

  test('an operator without a rule does no harm where no gradient passes', () => {
    const graph = new Graph('test');
    const x = graph.input('x', 'float32', [2]);
    const other = graph.input('other', 'float32', [1]);
    expect(gradients(reduceSum(mul(x, tile(other, [2]))), [x])).toHaveLength(1);
  });

  test('a second derivative of a composite names the operator', () => {
    const graph = new Graph('test');
    const x = graph.input('x', 'float32', [2]);
    const [dx] = gradients(reduceSum(mul(relu(x), x)), [x]);
    expect(() => gradients(reduceSum(reshape(dx, [2])), [x])).toThrow(/^ReluGradient has no gradient/);
  });
});
