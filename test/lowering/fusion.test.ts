/** A bottleneck block, forward and backward, lowered by every optimization and by none of them, in float64. */
import { gradients } from '../../src/autodiff/gradients';
import { Graph } from '../../src/graph/graph';
import { lower } from '../../src/lowering/lower';
import { OPTIMIZATION_NAMES, type Optimization } from '../../src/lowering/optimizations';
import { relu } from '../../src/ops/activation';
import { conv2d } from '../../src/ops/conv';
import { add, mul } from '../../src/ops/elementwise';
import { batchNorm } from '../../src/ops/norm';
import { reduceSum } from '../../src/ops/reduce';
import { runGraph } from '../support/run';
import { expectClose, randomTensor } from '../support/tensors';

const C = 64;
const SHAPES = {
  x: [4, C, 8, 8],
  w1: [C, C, 1, 1],
  w2: [C, C, 3, 3],
  w3: [4 * C, C, 1, 1],
  s1: [C],
  s2: [C],
  s3: [4 * C],
  probe: [4, 4 * C, 8, 8],
};

function block(): Graph {
  const graph = new Graph('block');
  const [x, w1, w2, w3, s1, s2, s3, probe] = Object.entries(SHAPES).map(([name, shape]) =>
    graph.input(name, 'float64', shape),
  );
  const a1 = relu(batchNorm(conv2d(x, w1), s1, s1).y);
  const a2 = relu(batchNorm(conv2d(a1, w2, { padding: 1 }), s2, s2).y);
  const last = batchNorm(conv2d(a2, w3), s3, s3);
  const loss = reduceSum(mul(relu(add(last.y, probe)), probe));
  graph.output('loss', loss);
  graph.output('mean', last.mean);
  graph.output('variance', last.variance);
  gradients(loss, [x, w1, w2, w3, s1, s2, s3]).forEach((g, i) => graph.output(`g${i}`, g));
  return graph;
}

const feeds = Object.fromEntries(
  Object.entries(SHAPES).map(([name, shape]) => [name, randomTensor(shape, name)]),
);
const run = (without: readonly Optimization[]) => runGraph(block(), feeds, { precision: 'fast', without });

test('the pattern is found, and its convolution is gone', () => {
  const count = (without: readonly Optimization[]) =>
    lower(block(), { provider: 'cpu', precision: 'fast', without }).nodes.length;
  expect(count([])).not.toBe(count(['gram']));
});

test.each([[], ...OPTIMIZATION_NAMES.map((name): Optimization[] => [name])])(
  'without %s',
  async (...without) => {
    const expected = await run(OPTIMIZATION_NAMES);
    const actual = await run(without);
    for (const [name, tensor] of Object.entries(expected)) expectClose(actual[name], tensor, 1e-9);
  },
  60_000,
);
