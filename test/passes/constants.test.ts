/** Folding by dtype, where constants and outer values are in the copy of a graph. */
import { Graph } from '../../src/graph/graph';
import { loop } from '../../src/ops/control';
import { add, mul } from '../../src/ops/elementwise';
import { foldConstants } from '../../src/passes/constants';
import type { DType } from '../../src/tensors/dtype';
import { runGraph } from '../support/run';
import { tensorOf } from '../support/tensors';

/** 0.1 + 0.2 * 3, as whole numbers 1 + 2 * 3, of constants alone; what is left after folding. */
function folded(dtype: DType) {
  const numbers = dtype.startsWith('float') ? [0.1, 0.2] : [1, 2];
  const graph = new Graph('constants');
  const [a, b] = numbers.map((x) => graph.constant(dtype, [1], [x]));
  graph.output('y', add(a, mul(b, graph.constant(dtype, [1], [3]))));
  const { nodes, outputs } = foldConstants(graph);
  return { nodes: nodes.length, values: Array.from(outputs[0].value.constant ?? [], Number) };
}

test('float32 and float64, each in its precision', () => {
  const single = Math.fround(Math.fround(0.1) + Math.fround(Math.fround(0.2) * 3));
  expect(folded('float32')).toEqual({ nodes: 0, values: [single] });
  expect(folded('float64')).toEqual({ nodes: 0, values: [0.1 + 0.2 * 3] });
});

test.each<DType>(['int64', 'float16'])('%s stays', (dtype) => {
  expect(folded(dtype).nodes).toBe(2);
});

test('a constant that two operators take is one in the copy', () => {
  const graph = new Graph('shared');
  const c = graph.constant('float32', [2], [1, 2]);
  graph.output('y', add(mul(graph.input('x', 'float32', [2]), c), c));
  const [product, sum] = foldConstants(graph).nodes;
  expect(product.inputs[1]).not.toBeNull();
  expect(sum.inputs[1]).toBe(product.inputs[1]);
});

test('a body takes what is made around it, as before', async () => {
  const graph = new Graph('around');
  const x = graph.input('x', 'float64', [2]);
  const count = graph.input('count', 'int64', []);
  const twice = mul(x, 2);
  const { carried } = loop('rounds', count, 3, new Map([['y', x]]), (_inner, _round, own) => ({
    carried: new Map([['y', add(own.get('y') ?? x, twice)]]),
    stacked: new Map(),
  }));
  graph.output('y', carried.get('y') ?? x);
  const feeds = { x: tensorOf('float64', [2], [1, 2]), count: tensorOf('int64', [], [3]) };
  const { y } = await runGraph(foldConstants(graph), feeds);
  expect([...y.data].map(Number)).toEqual([7, 14]);
});
