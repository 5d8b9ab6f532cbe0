/** The range of every activation that is rounded to 8 bits, over images. */
import { availableParallelism } from 'node:os';
import type { HostTensor } from '../../tensors/dtype';
import { encodeModel } from '../../onnx/encode';
import type { OnnxModel } from '../../onnx/model';
import { createModelSession } from '../../runtime/session';
import { IMAGE } from './input';
import { quantizedValues, type Range } from './quantize';

/** Runs `model`, whose input is `float`, over batches of normalized images. */
export async function calibrate(
  model: OnnxModel,
  batches: Iterable<HostTensor>,
): Promise<Map<string, Range>> {
  const { graph } = model;
  const values = quantizedValues(graph, IMAGE);
  const made = [...values].filter(([name]) => graph.nodes.some(({ outputs }) => outputs.includes(name)));
  const watched = {
    ...graph,
    outputs: made.map(([name, rank]) => ({
      name,
      dtype: 'float32' as const,
      shape: Array.from({ length: rank }, (_, axis) => (axis === 0 ? 'batch' : `${name}/${axis}`)),
    })),
  };
  const ranges = new Map<string, Range>();
  const see = (name: string, data: HostTensor['data']) => {
    let [low, high] = ranges.get(name) ?? [Infinity, -Infinity];
    for (const value of data as Float32Array) {
      if (value < low) low = value;
      if (value > high) high = value;
    }
    ranges.set(name, [low, high]);
  };
  const bytes = encodeModel({ ...model, graph: watched });
  const session = await createModelSession('the model to be quantized', bytes, {
    provider: 'cpu',
    threads: availableParallelism(),
  });
  try {
    for (const images of batches) {
      if (values.has(IMAGE)) see(IMAGE, images.data);
      for (const [name, { data }] of await session.run(new Map([[IMAGE, images]]))) see(name, data);
    }
  } finally {
    await session.release();
  }
  return ranges;
}
