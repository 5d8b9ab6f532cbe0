/** Loop and If: bodies that take values from around them, through lowering and passes, on the runtime. */
import fc from 'fast-check';
import { gradients } from '../../src/autodiff/gradients';
import { emitGraph } from '../../src/graph/emit';
import { Graph, type Value } from '../../src/graph/graph';
import { relu } from '../../src/ops/activation';
import { conv2d } from '../../src/ops/conv';
import { cond, loop, type Named } from '../../src/ops/control';
import { add, greater, mul, neg } from '../../src/ops/elementwise';
import { batchNorm } from '../../src/ops/norm';
import { reduceMean, reduceSum } from '../../src/ops/reduce';
import { optimize } from '../../src/passes';
import { mixedPrecision } from '../../src/passes/mixedPrecision';
import { recompute } from '../../src/passes/recompute';
import { lowerForTest, runGraph, runLowered } from '../support/run';
import { expectClose, numbersOf, randomTensor, tensorOf } from '../support/tensors';

const one = (name: string, value: Value): Named => new Map([[name, value]]);
const the = (named: Named, name: string): Value => named.get(name) as Value;

/** x after `count` rounds of x <- factor x + round, and the x of each round. */
function affine(): Graph {
  const graph = new Graph('affine');
  const count = graph.input('count', 'int64', []);
  const [x, factor] = ['x', 'factor'].map((name) => graph.input(name, 'float32', [2]));
  // made around the body, read inside
  const twice = mul(factor, 2);
  const result = loop('rounds', count, 'n', one('x', x), (_inner, _round, carried) => {
    const next = add(mul(the(carried, 'x'), twice), 1);
    return { carried: one('x', next), stacked: one('seen', neg(next)) };
  });
  graph.output('last', the(result.carried, 'x'));
  graph.output('seen', the(result.stacked, 'seen'));
  return graph;
}

test('a loop carries, stacks, and reads what is around it', async () => {
  const runs = fc.asyncProperty(fc.nat({ max: 5 }), async (count) => {
    const feeds = {
      count: tensorOf('int64', [], [count]),
      x: tensorOf('float32', [2], [1, -3]),
      factor: tensorOf('float32', [2], [0.5, 1]),
    };
    const seen: number[][] = [];
    let x = [1, -3];
    for (let i = 0; i < count; i++) {
      x = [x[0] + 1, 2 * x[1] + 1];
      seen.push(x.map((v) => -v));
    }
    const found = await runGraph(affine(), feeds);
    expect(numbersOf(found.last)).toEqual(x);
    expect([...found.seen.shape]).toEqual([count, 2]);
    expect(numbersOf(found.seen)).toEqual(seen.flat());
  });
  await fc.assert(runs, { numRuns: 8 });
});

test.each([
  [1, 5],
  [-1, -3],
])('of two branches the one that the condition asks for runs: x = %d gives %d', async (x, expected) => {
  const graph = new Graph('branches');
  const input = graph.input('x', 'float32', []);
  const around = mul(input, 3);
  const [y] = cond(
    greater(input, 0),
    () => [add(around, 2)],
    () => [around],
  );
  graph.output('y', y);
  const { y: found } = await runGraph(graph, { x: tensorOf('float32', [], [x]) });
  expect(numbersOf(found)).toEqual([expected]);
});

test('composites inside of a body are lowered, and read maps of around in whatever layout they are', async () => {
  const graph = new Graph('deep');
  const x = graph.input('x', 'float32', [2, 8, 8, 8]);
  const w = graph.input('w', 'float32', [8, 8, 3, 3]);
  const [scale, bias] = ['scale', 'bias'].map((name) => graph.input(name, 'float32', [8]));
  const block = (v: Value) => relu(batchNorm(conv2d(v, w, { padding: 1 }), scale, bias).y);
  const first = block(x);
  const count = graph.constant('int64', [], [2]);
  const { carried } = loop('blocks', count, 2, one('map', first), (_inner, _round, own) => ({
    carried: one('map', add(block(the(own, 'map')), first)),
    stacked: new Map(),
  }));
  graph.output('looped', the(carried, 'map'));
  const unrolled = add(block(add(block(first), first)), first);
  graph.output('unrolled', unrolled);
  // a gradient beside it, so that passes see all phases
  const loss = reduceMean(mul(unrolled, unrolled));
  graph.output('dw', gradients(loss, [w])[0]);
  const feeds = Object.fromEntries(
    graph.inputs.map(({ source, shape }) => {
      const name = source.kind === 'input' ? source.name : '';
      return [name, randomTensor(shape as number[], name, 'float32')];
    }),
  );
  const lowered = lowerForTest(graph, { precision: 'fast' });
  const graphs: [Graph, number][] = [
    [lowered, 1e-4],
    [optimize(lowered), 1e-4],
    [recompute(optimize(lowered), 'all'), 1e-4],
    [lowerForTest(mixedPrecision(graph), { precision: 'fast' }), 2e-2],
  ];
  for (const [one, tolerance] of graphs) {
    const found = await runLowered(one, feeds);
    expectClose(found.looped, found.unrolled, tolerance);
  }
});

test('a body has names of its own, and nothing unused', () => {
  const graph = affine();
  const { nodes, initializers } = emitGraph(optimize(graph));
  const body = nodes.flatMap(({ attributes }) => attributes).find(({ type }) => type === 'graph');
  if (body?.type !== 'graph') throw new Error('there is no body');
  const inner = body.value.nodes.map(({ name }) => name);
  expect(inner).toEqual(['rounds/Mul', 'rounds/Add', 'rounds/Neg', 'rounds/output/rounds/next.condition']);
  expect(body.value.initializers).toEqual([]);
  expect(initializers.length).toBeGreaterThan(0);
});

test.each<[string, () => unknown, string]>([
  ['a round that changes a shape', () => roundOf((x) => reduceSum(x)), 'expected what goes into a round'],
  [
    'branches of two types',
    () => {
      const x = new Graph('test').input('x', 'float32', [2]);
      return cond(
        greater(reduceSum(x), 0),
        () => [x],
        () => [reduceSum(x)],
      );
    },
    'expected branches of one type',
  ],
  [
    'a gradient',
    () => gradients(reduceSum(roundOf(neg)), []).length || gradientOfLoop(),
    'Loop has no gradient',
  ],
])('%s is refused', (_what, build, message) => {
  expect(build).toThrow(message);
});

function roundOf(step: (x: Value) => Value): Value {
  const graph = new Graph('test');
  const x = graph.input('x', 'float32', [2]);
  const count = graph.constant('int64', [], [3]);
  const { carried } = loop('rounds', count, 3, one('x', x), (_inner, _round, own) => ({
    carried: one('x', step(the(own, 'x'))),
    stacked: new Map(),
  }));
  return the(carried, 'x');
}

function gradientOfLoop(): unknown {
  const y = roundOf(neg);
  return gradients(reduceSum(y), [y.graph.inputs[0]]);
}
