/** ONNX graphs in the builder: what was emitted comes back as it was, whole or in part, and others' files as they run. */
import fc from 'fast-check';
import { emitGraph } from '../../src/graph/emit';
import { Graph, type Value } from '../../src/graph/graph';
import { plainModel, type OnnxAttribute, type OnnxGraph, type OnnxNode } from '../../src/onnx/model';
import { cond, loop } from '../../src/ops/control';
import { add, greater, mul, neg } from '../../src/ops/elementwise';
import { inline } from '../../src/ops/inline';
import { reduceSum } from '../../src/ops/reduce';
import { reshape, transpose } from '../../src/ops/shape';
import { optimize } from '../../src/passes';
import { encodeModel } from '../../src/onnx/encode';
import { createModelSession } from '../../src/runtime/session';
import { buildNetwork, network } from '../support/randomNetwork';
import { lowerForTest } from '../support/run';
import { numbersOf, randomTensor } from '../support/tensors';

/** The whole of `source` in a graph of its own. */
function lifted(source: OnnxGraph): Graph {
  const graph = new Graph(source.name);
  const inputs = new Map(
    source.inputs.map(({ name, dtype, shape }) => [name, graph.input(name, dtype, shape)]),
  );
  const outputs = source.outputs.map(({ name }) => name);
  const made = inline(graph, source, outputs, (name) => inputs.get(name) ?? null);
  made.forEach((value, name) => graph.output(name, value));
  return graph;
}

test('random training networks come back as they were emitted', () => {
  const same = fc.property(
    network,
    fc.constantFrom('cpu' as const, 'cuda' as const, 'webgpu' as const),
    fc.constantFrom(13, 18, 21),
    (net, provider, opset) => {
      const lowered = optimize(lowerForTest(buildNetwork(net).graph, { provider, precision: 'fast' }));
      const emitted = emitGraph(lowered, opset);
      expect(emitGraph(lifted(emitted), opset)).toEqual(emitted);
    },
  );
  fc.assert(same, { numRuns: 15, seed: 1 });
});

test('so do control flow, what its bodies take from around, and sizes that are names', () => {
  const graph = new Graph('control');
  const x = graph.input('x', 'float32', ['batch', 6]);
  const count = graph.input('count', 'int64', []);
  const around = transpose(reshape(x, ['batch', 2, 3]), [0, 2, 1]);
  const [factor] = cond(
    greater(count, 2),
    () => [graph.scalar(2, 'float32')],
    (inner) => [inner.scalar(3, 'float32')],
  );
  const { carried, stacked } = loop(
    'steps',
    count,
    'rounds',
    new Map([['y', around]]),
    (_inner, _i, own) => ({
      carried: new Map([['y', add(mul(own.get('y') as Value, factor), around)]]),
      stacked: new Map([['sum', reduceSum(own.get('y') as Value, [1, 2])]]),
    }),
  );
  graph.output('y', reshape(carried.get('y') as Value, ['3*batch', 2]));
  graph.output('sums', stacked.get('sum') as Value);
  const emitted = emitGraph(optimize(lowerForTest(graph)));
  const again = lifted(emitted);
  expect(emitGraph(again)).toEqual(emitted);
  expect(again.outputs.map(({ value }) => value.shape)).toEqual([
    ['3*batch', 2],
    ['rounds', 'batch'],
  ]);
});

const node = (
  opType: string,
  inputs: string[],
  outputs: string[],
  ...attributes: OnnxAttribute[]
): OnnxNode => ({
  name: `${opType}_of_${outputs[0]}`,
  opType,
  domain: '',
  inputs,
  outputs,
  attributes,
});
const floats = (name: string, shape: number[]) => ({ name, ...randomTensor(shape, name, 'float32') });
const ints = (name: string, ...values: number[]) => ({
  name,
  dtype: 'int64' as const,
  shape: [values.length],
  data: BigInt64Array.from(values, BigInt),
});

/** Attributes left out, axes from the back, sizes to be worked out, constants as nodes: as others write. */
const FOREIGN: OnnxGraph = {
  name: 'foreign',
  inputs: [{ name: 'x', dtype: 'float32', shape: ['n', 3, 6, 6] }],
  outputs: [{ name: 'y', dtype: 'float32', shape: ['n', 4] }],
  initializers: [
    floats('w', [4, 3, 3, 3]),
    ...['a', 'b', 'm'].map((name) => floats(name, [4])),
    ints('axes', -1),
  ],
  nodes: [
    node('Constant', [], ['v'], {
      name: 'value',
      type: 'tensor',
      value: { ...floats('v', [4]), data: Float32Array.of(1, 2, 3, 4) },
    }),
    node('Conv', ['x', 'w'], ['c']),
    node('BatchNormalization', ['c', 'a', 'b', 'm', 'v'], ['norm']),
    node('MaxPool', ['norm'], ['pooled'], { name: 'kernel_shape', type: 'ints', value: [2, 2] }),
    node('Constant', [], ['from'], { name: 'value', type: 'tensor', value: ints('', -2) }),
    node('Constant', [], ['to'], { name: 'value', type: 'tensor', value: ints('', Number.MAX_SAFE_INTEGER) }),
    node('Slice', ['pooled', 'from', 'to', 'axes'], ['right']),
    node('Constant', [], ['rows'], { name: 'value', type: 'tensor', value: ints('', 0, 4, -1) }),
    node('Reshape', ['right', 'rows'], ['matrix']),
    node('HardSigmoid', ['matrix'], ['gate']),
    node('Transpose', ['gate'], ['turned']),
    node('Softmax', ['turned'], ['shares']),
    node('Transpose', ['shares'], ['back']),
    node('ReduceMean', ['back', 'axes'], ['mean'], { name: 'keepdims', type: 'int', value: 0 }),
    node('ReduceMean', ['back'], ['all']),
    node('Squeeze', ['unused', 'axes'], ['never']),
    node('Add', ['mean', 'mean'], ['double']),
    node('Constant', [], ['one'], { name: 'value', type: 'tensor', value: ints('', 1) }),
    node('Reshape', ['all', 'one'], ['single']),
    node('Sub', ['double', 'single'], ['y']),
  ],
};

test('files of others compute here what they compute there', async () => {
  const run = async (graph: OnnxGraph) => {
    const model = { ...plainModel(graph), opsets: [{ domain: '', version: 18 }] };
    const session = await createModelSession('a graph', encodeModel(model), { provider: 'cpu', threads: 1 });
    const x = randomTensor([2, 3, 6, 6], 'x', 'float32');
    const found = await session.run(new Map([['x', x]])).finally(() => session.release());
    return numbersOf(found.get('y') ?? x);
  };
  const nodes = FOREIGN.nodes.filter(({ opType }) => opType !== 'Squeeze');
  expect(await run(emitGraph(lifted(FOREIGN)))).toEqual(await run({ ...FOREIGN, nodes }));
});

test('a part of a graph begins at any of its values, and has only the nodes and weights that it needs', () => {
  const target = new Graph('part');
  const matrix = target.input('matrix', 'float32', ['n', 4, 4]);
  const made = inline(target, FOREIGN, ['back'], (name) => (name === 'matrix' ? matrix : null));
  expect(target.nodes.map(({ op }) => op.type)).toEqual(['HardSigmoid', 'Transpose', 'Softmax', 'Transpose']);
  expect(made.get('back')?.shape).toEqual(['n', 4, 4]);
  expect([...target.labels.values()]).toEqual([]);
  inline(target, FOREIGN, ['norm'], (name) =>
    name === 'c' ? target.input('c', 'float32', ['n', 4, 4, 4]) : null,
  );
  expect([...target.labels.values()]).toEqual(['a', 'b', 'm', 'v']);
  const [, , , last] = target.labels.keys();
  expect(last.constant).toEqual(Float32Array.of(1, 2, 3, 4));
});

const graphOf = (...nodes: OnnxNode[]): OnnxGraph => ({
  name: 'wrong',
  inputs: [
    { name: 'x', dtype: 'float32', shape: [2, 3] },
    { name: 'sizes', dtype: 'int64', shape: [1] },
  ],
  outputs: [{ name: 'y', dtype: 'float32', shape: [2, 3] }],
  initializers: [],
  nodes,
});

test.each<[string, OnnxGraph, string]>([
  ['an operator', graphOf(node('Lrn', ['x'], ['y'])), 'node Lrn_of_y: the builder has no operator Lrn'],
  [
    'a domain',
    graphOf({ ...node('Gelu', ['x'], ['y']), domain: 'com.microsoft' }),
    'no operator com.microsoft.Gelu',
  ],
  [
    'an attribute',
    graphOf(node('Softmax', ['x'], ['y'], { name: 'auto', type: 'int', value: 1 })),
    'node Softmax_of_y: the builder knows no attribute auto of Softmax',
  ],
  [
    'an attribute of another type',
    graphOf(node('Softmax', ['x'], ['y'], { name: 'axis', type: 'float', value: 1 })),
    'node Softmax_of_y: its attribute axis is of type float',
  ],
  ['a computed list', graphOf(node('Reshape', ['x', 'sizes'], ['y'])), 'its shape are computed'],
  [
    'shapes that do not fit',
    graphOf(node('MatMul', ['x', 'x'], ['y'])),
    'node MatMul_of_y: MatMul at /: inner sizes',
  ],
  ['a value that nothing makes', graphOf(node('Relu', ['z'], ['y'])), 'graph wrong: z is made by no node'],
])('%s that the builder does not know is named', (_what, graph, message) => {
  expect(() => lifted(graph)).toThrow(message);
});

test('an input that is not given is named', () => {
  const target = new Graph('part');
  expect(() => inline(target, graphOf(node('Relu', ['x'], ['y'])), ['y'], () => null)).toThrow(
    'graph wrong: x is an input that is not given',
  );
});

test('a value given in place of an inner one may be of the graph that is being built', () => {
  const target = new Graph('longer');
  const x = target.input('x', 'float32', [2, 3]);
  const made = inline(target, graphOf(node('Relu', ['x'], ['y'])), ['y'], (name) =>
    name === 'x' ? neg(x) : null,
  );
  target.output('y', made.get('y') as Value);
  expect(target.nodes.map(({ op }) => op.type)).toEqual(['Neg', 'Relu']);
});
