/** The implementations that CUDA and WebGPU take, on the CPU: against the rows' implementations, and as whole training steps. */
import { programOf } from '../../graphs/tasks';
import { trainGraph } from '../../src/compile/step';
import { Graph, type Attributes } from '../../src/graph/graph';
import { lower } from '../../src/lowering/lower';
import { RULES } from '../../src/lowering/rules';
import type { HostTensor } from '../../src/tensors/dtype';
import { optimize } from '../../src/passes';
import { callOp } from '../ops/table';
import { openLowered, runGraph } from '../support/run';
import { expectClose, randomTensor } from '../support/tensors';
import { torchCase } from '../support/torchCase';

async function run(
  composite: string,
  implementation: string,
  inputs: readonly HostTensor[],
  attrs: Attributes,
): Promise<HostTensor> {
  const graph = new Graph('plain');
  const values = inputs.map((x, i) => graph.input(`x${i}`, x.dtype, x.shape));
  graph.output('y', callOp(composite, values, attrs)[0]);
  const feeds = Object.fromEntries(inputs.map((x, i) => [`x${i}`, x]));
  return (await runGraph(graph, feeds, { implementations: { [composite]: implementation } })).y;
}

const float = (shape: readonly number[], stream: string) => randomTensor(shape, stream, 'float32');
const even = (n: number) => [n, n] as const;
const around = (n: number) => [n, n, n, n] as const;

/** Sizes of the networks' own layers: many channels, so that sums are long. */
const layers = [
  { name: '3x3', k: 3, stride: 1, pad: 1, c: 32, o: 48, size: 8 },
  { name: '3x3 stride 2', k: 3, stride: 2, pad: 1, c: 32, o: 48, size: 8 },
  { name: '3x3 stride 2, odd map', k: 3, stride: 2, pad: 1, c: 32, o: 32, size: 7 },
  { name: '1x1', k: 1, stride: 1, pad: 0, c: 64, o: 128, size: 4 },
  { name: '1x1 stride 2', k: 1, stride: 2, pad: 0, c: 64, o: 128, size: 4 },
  { name: '7x7 stride 2, ImageNet stem', k: 7, stride: 2, pad: 3, c: 3, o: 16, size: 32 },
];

describe.each(layers)('$name', ({ k, stride, pad, c, o, size }) => {
  const count = Math.floor((size + 2 * pad - k) / stride) + 1;
  const node = { strides: even(stride), pads: around(pad), dilations: even(1), group: 1 };
  const x = float([4, c, size, size], 'x');
  const w = float([o, c, k, k], 'w');
  const dy = float([4, o, count, count], 'dy');
  const gradients = [
    ['Conv2dInputGradient', [dy, w], { ...node, inputShape: even(size) }],
    ['Conv2dWeightGradient', [x, dy], { ...node, kernelShape: even(k) }],
  ] as const;

  test.each(gradients)('%s', async (composite, inputs, attrs) => {
    const expected = await run(composite, 'rows', inputs, attrs);
    // Winograd's own tolerance is another (implementations.test.ts).
    const names = RULES[composite]
      .map(({ implementation }) => implementation.name)
      .filter((name) => !/^rows|wino/.test(name));
    expect(names.length).toBeGreaterThan(0);
    for (const name of names) {
      expectClose(await run(composite, name, inputs, attrs), expected, 2e-6);
    }
  });
});

test.each([
  ['MaxPool2dGradient', [float([4, 8, 6, 6], 'dy'), float([4, 8, 12, 12], 'x')], {}],
  ['AveragePool2dGradient', [float([4, 8, 6, 6], 'dy')], { count_include_pad: 0, inputShape: even(12) }],
])('%s, 3x3 stride 2', async (composite, inputs, rest) => {
  const attrs = { kernel_shape: even(3), strides: even(2), pads: around(1), ...rest };
  const [plain, rows] = [
    await run(composite, 'plain', inputs, attrs),
    await run(composite, 'rows', inputs, attrs),
  ];
  expectClose(plain, rows, 1e-6);
});

test('flat regions: the maximum of zeros in a corner is not the padding', async () => {
  const dy = float([1, 1, 2, 2], 'dy');
  const x: HostTensor = { dtype: 'float32', shape: [1, 1, 4, 4], data: new Float32Array(16) };
  const attrs = { kernel_shape: even(3), strides: even(2), pads: around(1) };
  const dx = await run('MaxPool2dGradient', 'plain', [dy, x], attrs);
  expectClose(dx, await run('MaxPool2dGradient', 'rows', [dy, x], attrs), 1e-7);
});

/** Operators without a CUDA kernel, or (`rows` alone would use them) with index tables. */
const NOT_ON_A_GPU = ['ScatterElements', 'ScatterND', 'BatchNormalization', 'HardSigmoid', 'Mod'];

describe.each(['pretrain-v1', 'pretrain-imagenet-stem', 'finetune-v1', 'finetune-v2'])('%s', (name) => {
  const { recipe, state, batch } = torchCase(name);
  const learning_rate: HostTensor = { dtype: 'float32', shape: [], data: Float32Array.of(0.01) };
  const feeds = { ...Object.fromEntries(state), ...Object.fromEntries(batch), learning_rate };

  test.each(['cuda', 'webgpu'] as const)(
    'a step lowered for %s agrees with one lowered for the CPU',
    async (gpu) => {
      const step = trainGraph(programOf, recipe).graph;
      const lowered = optimize(lower(step, { provider: gpu, precision: 'exact' }));
      const types = new Set(lowered.nodes.map((node) => node.op.type));
      expect(NOT_ON_A_GPU.filter((type) => types.has(type))).toEqual([]);
      const open = await openLowered(lowered);
      const actual = await open.run(feeds);
      await open.release();
      const expected = await runGraph(step, feeds);
      for (const [key, tensor] of Object.entries(expected)) expectClose(actual[key], tensor, 2e-5);
    },
  );
});
