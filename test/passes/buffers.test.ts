/** Separate buffers: the same bits, and less memory in use at once as the runtime itself counts it. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import * as ort from 'onnxruntime-node';
import { emitGraph, toModel } from '../../src/graph/emit';
import type { Graph } from '../../src/graph/graph';
import { encodeModel } from '../../src/onnx/encode';
import { separateBuffers } from '../../src/passes/buffers';
import { recompute } from '../../src/passes/recompute';
import { blocks, expectSameBits, feeds } from '../support/blocks';
import { runLowered } from '../support/run';
import { inTemporaryFolder } from '../support/temporary';

/** The most bytes of the arena in use after a node of one run, as the runtime's own profile has it. */
async function mostInUse(graph: Graph): Promise<number> {
  let most = 0;
  await inTemporaryFolder(async (folder) => {
    const session = await ort.InferenceSession.create(encodeModel(toModel(emitGraph(graph))), {
      intraOpNumThreads: 1,
      enableMemPattern: false,
      enableProfiling: true,
      profileFilePrefix: path.join(folder, 'profile'),
      logSeverityLevel: 4,
    });
    const tensors = Object.entries(feeds).map(([name, { data, shape }]) => [
      name,
      new ort.Tensor('float32', data as Float32Array, [...shape]),
    ]);
    await session.run(Object.fromEntries(tensors) as Record<string, ort.Tensor>);
    session.endProfiling();
    await session.release();
    const [file] = readdirSync(folder);
    const events = JSON.parse(readFileSync(path.join(folder, file), 'utf8')) as {
      args?: { mem_bytes_in_use?: string };
    }[];
    most = Math.max(...events.map(({ args }) => Number(args?.mem_bytes_in_use ?? 0)));
  });
  return most;
}

test.each(['none', 'windows', 'all'] as const)(
  'recompute %s: the same bits in less memory',
  async (recomputed) => {
    const graph = blocks(true);
    const shared = recomputed === 'none' ? graph : recompute(graph, recomputed);
    const separate = separateBuffers(shared);
    expectSameBits(await runLowered(separate, feeds), await runLowered(shared, feeds));
    // Where this fails with equal numbers, the runtime has learned to free idle buffers, and the pass has had its day.
    expect(await mostInUse(separate)).toBeLessThan(await mostInUse(shared));
  },
);

test('a graph without gradients stays as it is', () => {
  const forward = blocks(false);
  const types = (graph: Graph) => graph.nodes.map(({ op }) => op.type);
  expect(types(separateBuffers(forward))).toEqual(types(forward));
});
