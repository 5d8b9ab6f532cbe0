/** Folding by dtype: floats are computed as the runtime does, integers are left to it. */
import { Graph } from '../../src/graph/graph';
import { add, mul } from '../../src/ops/elementwise';
import { foldConstants } from '../../src/passes/constants';
import type { DType } from '../../src/tensors/dtype';

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
