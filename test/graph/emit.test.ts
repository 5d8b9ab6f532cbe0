/** Emission: names, output aliases, optional outputs, attributes, and the same bytes for the same build. */
import { emitGraph, OPSET, toModel } from '../../src/graph/emit';
import { Graph, type Value } from '../../src/graph/graph';
import { gradients } from '../../src/autodiff/gradients';
import { encodeModel } from '../../src/onnx/encode';
import { relu } from '../../src/ops/activation';
import { conv2d } from '../../src/ops/conv';
import { add, mul, neg } from '../../src/ops/elementwise';
import { batchNorm, layerNorm } from '../../src/ops/norm';
import { maxPool2d } from '../../src/ops/pool';
import { reduceSum } from '../../src/ops/reduce';
import { reshape, slice } from '../../src/ops/shape';
import { optimize } from '../../src/passes';
import { lowerForTest, runGraph } from '../support/run';
import { numbersOf, randomTensor, tensorOf } from '../support/tensors';

function allNames(emitted: ReturnType<typeof emitGraph>): string[] {
  return [
    ...emitted.inputs.map((v) => v.name),
    ...emitted.initializers.map((v) => v.name),
    ...emitted.nodes.flatMap((node) => node.outputs),
  ];
}

test('every name is made once, also where inputs and outputs are named as the builder names values', () => {
  const graph = new Graph('test');
  const x = graph.input('constant_0', 'float32', [2]);
  const y = graph.input('/Neg_output', 'float32', [2]);
  graph.output('/Add', add(neg(x), neg(mul(y, 3))));
  graph.output('ints_1', slice(add(x, y), 0, 0, 1));
  const emitted = emitGraph(graph);
  expect(new Set(allNames(emitted)).size).toBe(allNames(emitted).length);
  const nodeNames = emitted.nodes.map((node) => node.name);
  expect(new Set(nodeNames).size).toBe(nodeNames.length);
  const made = new Set(allNames(emitted));
  for (const { name } of emitted.outputs) expect(made.has(name)).toBe(true);
  for (const node of emitted.nodes) for (const input of node.inputs) expect(made.has(input)).toBe(true);
});

test('nodes carry their scope', () => {
  const graph = new Graph('test');
  const x = graph.input('x', 'float32', [2]);
  graph.output(
    'y',
    graph.scope('layer1/0', () => neg(neg(x))),
  );
  expect(emitGraph(graph).nodes.map((node) => node.name)).toEqual(['/layer1/0/Neg', '/layer1/0/Neg_1']);
});

test('an input, a constant, and one value twice as outputs', async () => {
  const graph = new Graph('test');
  const x = graph.input('x', 'float32', [2]);
  const y = neg(x);
  graph.output('same', x);
  graph.output('first', y);
  graph.output('second', y);
  graph.output('three', graph.scalar(3, 'float32'));
  const results = await runGraph(graph, { x: tensorOf('float32', [2], [1, 2]) });
  expect(Object.entries(results).map(([name, tensor]) => [name, numbersOf(tensor)])).toEqual([
    ['same', [1, 2]],
    ['first', [-1, -2]],
    ['second', [-1, -2]],
    ['three', [3]],
  ]);
});

test('optional outputs are named only where something reads them', () => {
  const outputs = (build: (x: Value) => Value, type: string) => {
    const graph = new Graph('test');
    const x = graph.input('x', 'float32', [1, 2, 4, 4]);
    const loss = reduceSum(build(x));
    graph.output('loss', loss);
    const before = emitGraph(optimize(lowerForTest(graph)));
    graph.output('dx', gradients(loss, [x])[0]);
    const after = emitGraph(optimize(lowerForTest(graph)));
    return [before, after].map(({ nodes }) => nodes.find((node) => node.opType === type)?.outputs.length);
  };
  expect(outputs((x) => maxPool2d(x, 2), 'MaxPool')).toEqual([1, 2]);
  const row = (x: Value) => x.graph.constant('float32', [4], [1, 2, 3, 4]);
  expect(outputs((x) => mul(layerNorm(x, row(x), row(x)), x), 'LayerNormalization')).toEqual([1, 3]);
});

test('equal integer lists share an initializer, and a symbolic size is written as -1', async () => {
  const graph = new Graph('test');
  const x = graph.input('x', 'float32', ['batch', 6]);
  graph.output('a', reshape(x, ['batch', 2, 3]));
  graph.output('b', reshape(neg(x), ['batch', 2, 3]));
  const { initializers } = emitGraph(graph);
  expect(initializers.map(({ dtype, shape, data }) => [dtype, shape, Array.from(data, Number)])).toEqual([
    ['int64', [3], [-1, 2, 3]],
  ]);
  const results = await runGraph(graph, { x: randomTensor([5, 6], 'x', 'float32') });
  expect([...results.a.shape]).toEqual([5, 2, 3]);
});

test('a composite that was not lowered is refused', () => {
  const graph = new Graph('test');
  const x = graph.input('x', 'float32', [1, 1, 2, 2]);
  graph.output(
    'y',
    graph.scope('stem', () => maxPool2d(x, 2)),
  );
  expect(() => emitGraph(graph)).toThrow('/stem: composite MaxPool2d was not lowered');
});

test('the same build gives the same bytes', () => {
  const build = () => {
    const graph = new Graph('train');
    const x = graph.input('x', 'float32', [2, 3, 4, 4]);
    const w = graph.input('w', 'float32', [4, 3, 3, 3]);
    const [scale, bias] = ['scale', 'bias'].map((name) => graph.input(name, 'float32', [4]));
    const y = relu(batchNorm(conv2d(x, w, { padding: 1 }), scale, bias).y);
    const loss = reduceSum(mul(y, y));
    graph.output('loss', loss);
    gradients(loss, [w, scale, bias]).forEach((g, i) => graph.output(`g${i}`, g));
    return toModel(emitGraph(optimize(lowerForTest(graph))), { recipe: '{}' });
  };
  const model = build();
  expect(model.opsets).toEqual([{ domain: '', version: OPSET }]);
  expect(Buffer.compare(Buffer.from(encodeModel(model)), Buffer.from(encodeModel(build())))).toBe(0);
});
