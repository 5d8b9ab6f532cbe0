/** Runs a graph of the builder on ONNX Runtime, for tests: lower, optimize, encode, one session on one thread. */
import * as ort from 'onnxruntime-node';
import { fromBytes, toBytes, type HostTensor } from '../../src/onnx/dtype';
import { encodeModel } from '../../src/onnx/encode';
import { emitGraph, toModel } from '../../src/graph/emit';
import type { Graph } from '../../src/graph/graph';
import type { LoweringOptions } from '../../src/lowering/context';
import { lower } from '../../src/lowering/lower';
import { optimize } from '../../src/passes';

export type Tensors = Readonly<Record<string, HostTensor>>;

export interface OpenGraph {
  run(feeds: Tensors): Promise<Record<string, HostTensor>>;
  release(): Promise<void>;
}

/** A session on the lowered graph; the caller releases it. */
export async function openGraph(graph: Graph, options: Partial<LoweringOptions> = {}): Promise<OpenGraph> {
  const lowered = optimize(lower(graph, { provider: 'cpu', precision: 'exact', ...options }));
  const session = await ort.InferenceSession.create(encodeModel(toModel(emitGraph(lowered))), {
    intraOpNumThreads: 1,
    enableMemPattern: false,
    logSeverityLevel: 3,
  });
  return {
    release: () => session.release(),
    run: async (feeds) => {
      const inputs = Object.fromEntries(
        Object.entries(feeds).map(([name, { dtype, shape, data }]) => [
          name,
          new ort.Tensor(dtype as 'float32', fromBytes(dtype, toBytes(data)) as Float32Array, [...shape]),
        ]),
      );
      const results = await session.run(inputs);
      return Object.fromEntries(
        Object.entries(results).map(([name, tensor]) => [
          name,
          {
            dtype: tensor.type as HostTensor['dtype'],
            shape: tensor.dims,
            data: tensor.data as HostTensor['data'],
          },
        ]),
      );
    },
  };
}

/** One run of a graph that is needed once. */
export async function runGraph(
  graph: Graph,
  feeds: Tensors,
  options: Partial<LoweringOptions> = {},
): Promise<Record<string, HostTensor>> {
  const open = await openGraph(graph, options);
  try {
    return await open.run(feeds);
  } finally {
    await open.release();
  }
}
