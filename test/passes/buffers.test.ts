/** Separate buffers: the same bits, and less memory in use at once as the runtime itself counts it. */
import { emitGraph, toModel } from '../../src/graph/emit';
import type { Graph } from '../../src/graph/graph';
import { encodeModel } from '../../src/onnx/encode';
import { separateBuffers } from '../../src/passes/buffers';
import { recompute } from '../../src/passes/recompute';
import { blocks, expectSameBits, feeds } from '../support/blocks';
import { mostInUse } from '../support/memoryInUse';
import { runLowered } from '../support/run';

const inUse = (graph: Graph) => mostInUse(encodeModel(toModel(emitGraph(graph))), Object.entries(feeds));

test.each(['none', 'windows', 'all'] as const)(
  'recompute %s: the same bits in less memory',
  async (recomputed) => {
    const graph = blocks(true);
    const shared = recomputed === 'none' ? graph : recompute(graph, recomputed);
    const separate = separateBuffers(shared);
    expectSameBits(await runLowered(separate, feeds), await runLowered(shared, feeds));
    // Where this fails with equal numbers, the runtime has learned to free idle buffers, and the pass has had its day.
    expect(await inUse(separate)).toBeLessThan(await inUse(shared));
  },
);

test('a graph without gradients stays as it is', () => {
  const forward = blocks(false);
  const types = (graph: Graph) => graph.nodes.map(({ op }) => op.type);
  expect(types(separateBuffers(forward))).toEqual(types(forward));
});
