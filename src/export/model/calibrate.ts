/** The range of every activation that is rounded to 8 bits, over images. */
import { availableParallelism } from 'node:os';
import { maxOf, minOf } from '../../base/lists';
import { emitGraph, toModel } from '../../graph/emit';
import { Graph } from '../../graph/graph';
import { encodeModel } from '../../onnx/encode';
import { copyNodes } from '../../passes/rewrite';
import { createModelSession } from '../../runtime/session';
import type { HostTensor } from '../../tensors/dtype';
import { IMAGE } from './network';
import { quantizedValues, type Range } from './quantize';

/** Runs the network over batches of normalized images: the ranges of `quantizedValues`, in their order. */
export async function calibrate(network: Graph, batches: Iterable<HostTensor>): Promise<Range[]> {
  const watched = new Graph('calibration');
  const [{ dtype, shape }] = network.inputs;
  const image = watched.input(IMAGE, dtype, shape);
  const translate = copyNodes(network, watched, new Map([[network.inputs[0], image]]));
  const names = quantizedValues(network).map((value, i) => {
    watched.output(`value_${i}`, translate(value));
    return `value_${i}`;
  });
  const ranges = names.map((): Range => [Infinity, -Infinity]);
  const session = await createModelSession(
    'the model to be quantized',
    encodeModel(toModel(emitGraph(watched))),
    { provider: 'cpu', threads: availableParallelism() },
  );
  try {
    for (const images of batches) {
      const found = await session.run(new Map([[IMAGE, images]]));
      names.forEach((name, i) => {
        const data = found.get(name)?.data as Float32Array;
        ranges[i] = [Math.min(ranges[i][0], minOf(data)), Math.max(ranges[i][1], maxOf(data))];
      });
    }
  } finally {
    await session.release();
  }
  return ranges;
}
