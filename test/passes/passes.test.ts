/** Dead code, common subexpressions, folding: what they do to known graphs, and that they keep the numbers. */
import fc from 'fast-check';
import { gradients } from '../../src/autodiff/gradients';
import { Graph, type Value } from '../../src/graph/graph';
import { broadcastShapes, range } from '../../src/graph/shape';
import { sizeOf } from '../../src/tensors/dtype';
import { relu } from '../../src/ops/activation';
import { conv2d } from '../../src/ops/conv';
import { add, cast, div, maximum, mul, neg, sqrt, sub } from '../../src/ops/elementwise';
import { gemm, matmul } from '../../src/ops/matmul';
import { batchNorm } from '../../src/ops/norm';
import { reduceMean, reduceSum } from '../../src/ops/reduce';
import { concat, expand, reshape, slice, transpose } from '../../src/ops/shape';
import { mergeCommonSubexpressions } from '../../src/passes/commonSubexpressions';
import { foldConstants } from '../../src/passes/constants';
import { multiplyAdds, peakBytes } from '../../src/passes/cost';
import { removeDeadCode } from '../../src/passes/deadCode';
import { optimize } from '../../src/passes';
import { lowerForTest, runLowered, type Tensors } from '../support/run';
import { expectClose, randomTensor } from '../support/tensors';

/** A graph with input x [2, 3] and the outputs that `build` gives. */
function graphOf(build: (x: Value, graph: Graph) => readonly Value[]): Graph {
  const graph = new Graph('test');
  const x = graph.input('x', 'float32', [2, 3]);
  build(x, graph).forEach((y, i) => graph.output(`y${i}`, y));
  return graph;
}
const types = (graph: Graph) => graph.nodes.map((node) => node.op.type);
const outputConstant = (graph: Graph, i = 0) => Array.from(graph.outputs[i].value.constant ?? [], Number);

describe('dead code', () => {
  test('drops what no output needs, keeps inputs', () => {
    const graph = graphOf((x) => {
      mul(neg(x), 2);
      return [sqrt(x)];
    });
    graph.input('unused', 'float32', [1]);
    const result = removeDeadCode(graph);
    expect(types(result)).toEqual(['Sqrt']);
    expect(result.inputs).toHaveLength(2);
  });

  test('an output that is an input or a constant stays', () => {
    const result = removeDeadCode(graphOf((x, graph) => [x, graph.scalar(3, 'float32')]));
    expect(result.outputs[0].value).toBe(result.inputs[0]);
    expect(outputConstant(result, 1)).toEqual([3]);
  });
});

describe('common subexpressions', () => {
  const merged = (build: (x: Value, graph: Graph) => readonly Value[]) =>
    types(mergeCommonSubexpressions(graphOf(build)));

  test('equal nodes, also over several levels', () => {
    expect(merged((x) => [sqrt(neg(x)), sqrt(neg(x))])).toEqual(['Neg', 'Sqrt']);
  });
  test('operands of a commutative operator in either order', () => {
    expect(merged((x) => [add(x, neg(x)), add(neg(x), x)])).toEqual(['Neg', 'Add']);
  });
  test('but not of others', () => {
    expect(merged((x) => [sub(x, neg(x)), sub(neg(x), x)])).toEqual(['Neg', 'Sub', 'Sub']);
  });
  test('equal constants', () => {
    const c = (graph: Graph, last: number) => graph.constant('float32', [3], [1, 2, last]);
    expect(merged((x, graph) => [add(x, c(graph, 3)), add(x, c(graph, 3))])).toEqual(['Add']);
    expect(merged((x, graph) => [add(x, c(graph, 3)), add(x, c(graph, 4))])).toEqual(['Add', 'Add']);
  });
  test('constants of another shape or dtype are others', () => {
    const scalar = (x: Value, shape: number[]) => mul(x, x.graph.constant('float32', shape, [2]));
    expect(merged((x) => [scalar(x, []), scalar(x, [1])])).toEqual(['Mul', 'Mul']);
    const zeros = new Graph('test');
    const x = zeros.input('x', 'int64', [1]);
    zeros.output('a', cast(add(x, zeros.constant('int64', [1], [0])), 'float32'));
    zeros.output('b', add(cast(x, 'float32'), zeros.constant('float32', [1], [0])));
    expect(types(mergeCommonSubexpressions(zeros))).toHaveLength(4);
  });
  test('other attributes keep nodes apart', () => {
    expect(merged((x) => [transpose(x, [1, 0]), transpose(x, [1, 0])])).toEqual(['Transpose']);
    expect(merged((x) => [reduceSum(x, [0]), reduceSum(x, [1]), reduceSum(x, [0], 1)])).toHaveLength(3);
  });
  test('all outputs of a node', () => {
    const graph = new Graph('test');
    const x = graph.input('x', 'float32', [2, 3, 2, 2]);
    const c = graph.input('c', 'float32', [3]);
    const [first, second] = [batchNorm(x, c, c), batchNorm(x, c, c)];
    graph.output('a', first.mean);
    graph.output('b', second.variance);
    const result = mergeCommonSubexpressions(graph);
    expect(types(result)).toEqual(['BatchNorm']);
    expect(result.outputs.map(({ value }) => value.source.kind === 'node' && value.source.index)).toEqual([
      1, 2,
    ]);
  });
});

describe('folding', () => {
  const folded = (build: (x: Value, graph: Graph) => readonly Value[]) => foldConstants(graphOf(build));

  test('arithmetic of constants with broadcasting', () => {
    const result = folded((_x, graph) => {
      const column = graph.constant('float32', [2, 1], [1, 4]);
      const row = graph.constant('float32', [3], [1, 2, 3]);
      return [
        add(mul(sqrt(column), row), neg(row)),
        expand(column, [2, 2]),
        div(column, 8),
        reshape(column, [2]),
      ];
    });
    expect(types(result)).toEqual([]);
    expect(outputConstant(result)).toEqual([0, 0, 0, 1, 2, 3]);
    expect(outputConstant(result, 1)).toEqual([1, 1, 4, 4]);
    expect(outputConstant(result, 2)).toEqual([0.125, 0.5]);
    expect(result.outputs[3].value.shape).toEqual([2]);
  });
  test('results are rounded to their dtype', () => {
    const result = folded((_x, graph) => [mul(graph.scalar(0.1, 'float32'), graph.scalar(3, 'float32'))]);
    expect(outputConstant(result)).toEqual([Math.fround(Math.fround(0.1) * 3)]);
  });
  test('large results stay computed', () => {
    const result = folded((_x, graph) => [expand(graph.scalar(0, 'float32'), [1 << 9, 1 << 9])]);
    expect(types(result)).toEqual(['Expand']);
  });
  test('x + 0, x * 1, x - 0, x / 1', () => {
    const result = folded((x) => [add(x, 0), add(0, x), mul(x, 1), mul(1, x), sub(x, 0), div(x, 1)]);
    expect(types(result)).toEqual([]);
    expect(result.outputs.every(({ value }) => value === result.inputs[0])).toBe(true);
  });
  test('0 - x, 1 / x, and a zero that changes the shape stay', () => {
    const result = folded((x, graph) => [
      sub(0, x),
      div(1, x),
      add(x, graph.constant('float32', [1, 1, 1], [0])),
    ]);
    expect(types(result)).toEqual(['Sub', 'Div', 'Add']);
  });
  test('transposes cancel or become one', () => {
    const there = folded((x) => [transpose(transpose(x, [1, 0]), [1, 0])]);
    expect(there.outputs[0].value).toBe(there.inputs[0]);
    const graph = new Graph('test');
    const x = graph.input('x', 'float32', [2, 3, 4]);
    graph.output('y', transpose(transpose(x, [1, 2, 0]), [1, 0, 2]));
    const once = removeDeadCode(foldConstants(graph));
    expect(once.nodes.map((n) => n.attrs.perm)).toEqual([[2, 1, 0]]);
    expect(once.outputs[0].value.shape).toEqual([4, 3, 2]);
  });
  test('reshapes cancel or become one', () => {
    const back = folded((x) => [reshape(reshape(x, [6]), [2, 3])]);
    expect(back.outputs[0].value).toBe(back.inputs[0]);
    const once = removeDeadCode(folded((x) => [reshape(reshape(reshape(x, [6]), [3, 2]), [1, 6])]));
    expect(types(once)).toEqual(['Reshape']);
  });
});

describe('cost', () => {
  test('multiply-adds of matrix products and convolutions', () => {
    const graph = new Graph('test');
    const a = graph.input('a', 'float32', [5, 2, 3]);
    const b = graph.input('b', 'float32', [5, 3, 4]);
    matmul(a, b);
    expect(multiplyAdds(graph)).toBe(5 * 2 * 3 * 4);
    gemm(graph.input('m', 'float32', [7, 2]), graph.input('n', 'float32', [3, 7]), { transA: 1, transB: 1 });
    expect(multiplyAdds(graph)).toBe(5 * 2 * 3 * 4 + 2 * 3 * 7);
    const image = new Graph('image');
    const x = image.input('x', 'float32', [2, 4, 5, 5]);
    image.output('y', conv2d(x, image.input('w', 'float32', [6, 2, 3, 3]), { groups: 2 }));
    const expected = 2 * 6 * 3 * 3 * (2 * 3 * 3);
    for (const Conv2d of ['rows', 'plain']) {
      expect(multiplyAdds(lowerForTest(image, { implementations: { Conv2d } }))).toBe(expected);
    }
  });

  test('peak memory of a chain: input, constants and two neighbours', () => {
    const graph = new Graph('test');
    const x = graph.input('x', 'float32', [100]);
    const c = graph.tensor('float32', [100], new Float32Array(100));
    graph.output('y', neg(sqrt(neg(add(x, c)))));
    expect(peakBytes(graph)).toBe(4 * 400);
  });

  test('a value is kept until its last use, and a reshape takes nothing', () => {
    const graph = new Graph('test');
    const x = graph.input('x', 'float32', [100]);
    const first = neg(x);
    const view = reshape(first, [10, 10]);
    const long = sqrt(sqrt(sqrt(view)));
    graph.output('y', add(reshape(long, [100]), first));
    // x, first and two of the chain
    expect(peakBytes(graph)).toBe(4 * 400);
  });
});

describe('optimize keeps the numbers', () => {
  /** One operation: which, and which earlier values it takes (modulo how many there are). */
  const step = fc.record({ kind: fc.nat(12), a: fc.nat(100), b: fc.nat(100) });

  function apply(
    { kind, a, b }: { kind: number; a: number; b: number },
    values: readonly Value[],
  ): Value | null {
    const x = values[a % values.length];
    const y = values[b % values.length];
    const together = broadcastShapes(x.shape, y.shape);
    const small = together && sizeOf(together as number[]) <= 200;
    const size = sizeOf(x.shape as number[]);
    switch (kind) {
      case 0:
        return small ? add(x, y) : null;
      case 1:
        return small ? sub(x, y) : null;
      case 2:
        return small ? mul(x, mul(y, 0.5)) : null;
      case 3:
        return small ? maximum(x, y) : null;
      case 4:
        return x.rank > 1 ? transpose(x, range(x.rank).reverse()) : null;
      case 5:
        return reshape(x, b % 2 ? [size] : [1, size]);
      case 6:
        return x.rank > 0 ? reduceSum(x, [b % x.rank], 1) : null;
      case 7:
        return x.rank > 0 ? reduceMean(x, [b % x.rank]) : null;
      case 8:
        return neg(x);
      case 9:
        return add(mul(x, 1), 0);
      case 10:
        return x.rank > 0 && (x.shape[0] as number) > 1 ? slice(x, 0, 1, x.shape[0] as number) : null;
      case 11:
        return x.rank > 0 && size < 100 ? concat([x, x], x.rank - 1) : null;
      default:
        return x.graph.constant('float64', [2, 1], [1, b % 3]);
    }
  }

  test('of random graphs', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 20 }), async (steps) => {
        const graph = new Graph('random');
        const feeds: Tensors = { x: randomTensor([2, 3], 'x'), row: randomTensor([3], 'row') };
        const values = Object.entries(feeds).map(([name, { shape }]) => graph.input(name, 'float64', shape));
        values.push(graph.constant('float64', [3], [0, 1, 2]));
        for (const one of steps) {
          const made = apply(one, values);
          if (made) values.push(made);
        }
        values.slice(-4).forEach((value, i) => graph.output(`y${i}`, value));
        const optimized = optimize(graph);
        expect(optimized.nodes.length).toBeLessThanOrEqual(graph.nodes.length);
        const expected = await runLowered(graph, feeds);
        const actual = await runLowered(optimized, feeds);
        for (const { name } of graph.outputs) expectClose(actual[name], expected[name], 1e-12);
      }),
      { numRuns: 80 },
    );
  });

  test('of a lowered block with its gradients, with fewer nodes; a second time changes nothing', async () => {
    const graph = new Graph('block');
    const feeds: Tensors = {
      x: randomTensor([2, 3, 5, 5], 'x'),
      w1: randomTensor([4, 3, 3, 3], 'w1'),
      w2: randomTensor([4, 4, 3, 3], 'w2'),
      scale: randomTensor([4], 'scale'),
      bias: randomTensor([4], 'bias'),
    };
    const inputs = Object.entries(feeds).map(([name, { shape }]) => graph.input(name, 'float64', shape));
    const [x, w1, w2, scale, bias] = inputs;
    const hidden = conv2d(x, w1, { padding: 1 });
    const y = add(hidden, conv2d(relu(batchNorm(hidden, scale, bias).y), w2, { padding: 1 }));
    const loss = reduceSum(mul(y, y));
    graph.output('loss', loss);
    gradients(loss, inputs).forEach((g, i) => graph.output(`g${i}`, g));
    const lowered = lowerForTest(graph);
    const optimized = optimize(lowered);
    expect(optimized.nodes.length).toBeLessThan(lowered.nodes.length);
    expect(types(optimize(optimized))).toEqual(types(optimized));
    const expected = await runLowered(lowered, feeds);
    const actual = await runLowered(optimized, feeds);
    for (const { name } of graph.outputs) expectClose(actual[name], expected[name], 1e-12);
  });
});
