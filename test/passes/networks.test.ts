/** Lowering and passes on random networks: whatever is chosen, optimized or made again, values and gradients stay. */
import fc from 'fast-check';
import type { Graph, Value } from '../../src/graph/graph';
import type { LoweringOptions } from '../../src/lowering/context';
import { OPTIMIZATION_NAMES } from '../../src/lowering/optimizations';
import { cast } from '../../src/ops/elementwise';
import { optimize } from '../../src/passes';
import { separateBuffers } from '../../src/passes/buffers';
import { mergeCommonSubexpressions } from '../../src/passes/commonSubexpressions';
import { foldConstants } from '../../src/passes/constants';
import { removeDeadCode } from '../../src/passes/deadCode';
import { mixedPrecision } from '../../src/passes/mixedPrecision';
import { recompute } from '../../src/passes/recompute';
import { rewrite } from '../../src/passes/rewrite';
import { float16Value } from '../../src/tensors/float16';
import { expectSameBits } from '../support/blocks';
import { ACTIVATIONS, buildNetwork, network, type Network } from '../support/randomNetwork';
import { lowerForTest, runLowered, type Tensors } from '../support/run';
import { numbersOf, relativeDistance } from '../support/tensors';

const RUNS = { numRuns: 12, seed: 1 };

const options: fc.Arbitrary<Partial<LoweringOptions>> = fc.record({
  provider: fc.constantFrom('cpu', 'cpu', 'cuda', 'webgpu'),
  precision: fc.constantFrom('exact', 'fast'),
  without: fc.subarray(OPTIMIZATION_NAMES),
});

/** Largest distance of an output, of its own size; gradients that are nothing but rounding count by the largest one. */
function distance(actual: Tensors, expected: Tensors): number {
  const size = (name: string) => Math.sqrt(numbersOf(expected[name]).reduce((sum, x) => sum + x * x, 0));
  const largest = Math.max(...Object.keys(expected).map(size));
  return Math.max(
    ...Object.keys(expected).map((name) => {
      const own = relativeDistance(numbersOf(actual[name]), numbersOf(expected[name]));
      return own * Math.min(1, size(name) / (1e-2 * largest));
    }),
  );
}

const property = (body: (net: Network, lowering: Partial<LoweringOptions>) => Promise<void>) =>
  fc.assert(fc.asyncProperty(network, options, body), RUNS);

test('every lowering computes the same', () =>
  property(async (net, lowering) => {
    const { graph, feeds } = buildNetwork(net);
    const plainest = lowerForTest(graph, { without: OPTIMIZATION_NAMES });
    const expected = await runLowered(plainest, feeds);
    expect(distance(await runLowered(lowerForTest(graph, lowering), feeds), expected)).toBeLessThan(1e-2);
  }));

test('the algebraic passes change nothing, alone or together', () =>
  property(async (net, lowering) => {
    const { graph, feeds } = buildNetwork(net);
    const lowered = lowerForTest(graph, lowering);
    const expected = await runLowered(lowered, feeds);
    for (const pass of [foldConstants, mergeCommonSubexpressions, removeDeadCode, optimize])
      expect(distance(await runLowered(pass(lowered), feeds), expected)).toBeLessThan(1e-4);
  }));

/** Recomputation and separate buffers plan memory: what the graph computes, as `run` does it, is the same bits. */
async function expectSamePlanned(
  kept: Graph,
  feeds: Tensors,
  prepare = (graph: Graph) => graph,
): Promise<void> {
  const expected = await runLowered(prepare(kept), feeds);
  for (const planned of [kept, recompute(kept, 'windows'), recompute(kept, 'all')]) {
    expectSameBits(await runLowered(prepare(planned), feeds), expected);
    expectSameBits(await runLowered(prepare(separateBuffers(planned)), feeds), expected);
  }
}

/**
 * The graph with float32 in place of float16. The runtime has no float16 kernels on the CPU: it casts around each node and drops
 * casts that meet, and with them a rounding, so that numbers would depend on which nodes are neighbours.
 */
const widened = (graph: Graph): Graph =>
  rewrite(graph, (node, inputs, target) => {
    const operands = inputs.map((v) => v && (v.dtype === 'float16' ? wide(v) : v));
    const types = node.outputs.map(({ dtype, shape }) => ({
      dtype: dtype === 'float16' ? ('float32' as const) : dtype,
      shape,
    }));
    if (node.op.type === 'Cast') return [cast(operands[0] as Value, types[0].dtype)];
    return target.copy(node, operands, types);
  });

const wide = ({ graph, shape, constant }: Value): Value =>
  graph.tensor('float32', shape as number[], Float32Array.from(constant as Uint16Array, float16Value));

test('memory plans give the same bits', () =>
  property(async (net, lowering) => {
    const { graph, feeds } = buildNetwork(net);
    await expectSamePlanned(optimize(lowerForTest(graph, lowering)), feeds);
  }));

test('memory plans of half precision compute the same', () =>
  property(async (net, lowering) => {
    const { graph, feeds } = buildNetwork(net);
    await expectSamePlanned(optimize(lowerForTest(mixedPrecision(graph), lowering)), feeds, widened);
  }));

test('half precision is float32 within its rounding', () =>
  property(async (net) => {
    const { graph, feeds } = buildNetwork(net);
    const lossOf = async (one: Graph) => numbersOf((await runLowered(lowerForTest(one), feeds)).loss)[0];
    expect(Math.abs((await lossOf(mixedPrecision(graph))) / (await lossOf(graph)) - 1)).toBeLessThan(0.05);
  }));

const imageTransposes = (graph: Graph) =>
  graph.nodes.filter(({ op, outputs: [y] }) => op.type === 'Transpose' && y.rank === 4).length;

test.each(Object.keys(ACTIVATIONS))('%s costs no conversion of a map more than ReLU', (name) => {
  const block = (activation: string) => [
    { kind: 'conv' as const, kernel: 3 as const, stride: 1 as const, channels: 8 },
    { kind: 'norm' as const },
    { kind: 'activation' as const, name: activation },
  ];
  const transposes = (activation: string) => {
    const layers = Array.from({ length: 3 }, () => block(activation)).flat();
    const { graph } = buildNetwork({ batch: 4, size: 8, channels: 3, layers });
    return imageTransposes(optimize(lowerForTest(graph, { precision: 'fast' })));
  };
  expect(transposes(name)).toBe(transposes('relu'));
});

test.each([2, 6])(
  '%i layers of ReLU6, leaky ReLU or abs are planned without a cycle, in both precisions',
  async (count) => {
    for (const name of ['relu6', 'leakyRelu', 'abs']) {
      const layers = Array.from({ length: count }, () => [
        { kind: 'conv' as const, kernel: 3 as const, stride: 1 as const, channels: 8 },
        { kind: 'norm' as const },
        { kind: 'activation' as const, name },
      ]).flat();
      const { graph, feeds } = buildNetwork({ batch: 2, size: 8, channels: 3, layers });
      const lowered = (one: Graph) => optimize(lowerForTest(one, { precision: 'fast' }));
      await expectSamePlanned(lowered(graph), feeds);
      await expectSamePlanned(lowered(mixedPrecision(graph)), feeds, widened);
    }
  },
);
