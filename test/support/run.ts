/** Runs a graph of the builder on ONNX Runtime, for tests: lower, optimize, encode, one session on one thread. */
import * as ort from 'onnxruntime-node';
import { fromBytes, toBytes, type HostTensor } from '../../src/tensors/dtype';
import { encodeModel } from '../../src/onnx/encode';
import { emitGraph, toModel } from '../../src/graph/emit';
import type { Graph } from '../../src/graph/graph';
import type { LoweringOptions } from '../../src/lowering/context';
import { lower } from '../../src/lowering/lower';
import { optimize } from '../../src/passes';

export type Tensors = Record<string, HostTensor>;

/** A session that can run many times; `release` it. */
export interface OpenGraph {
  run(feeds: Readonly<Tensors>): Promise<Tensors>;
  release(): Promise<void>;
}

/** Opens a graph that is lowered already. */
export async function openLowered(lowered: Graph): Promise<OpenGraph> {
  const session = await ort.InferenceSession.create(encodeModel(toModel(emitGraph(lowered))), {
    intraOpNumThreads: 1,
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

export const lowerForTest = (graph: Graph, options: Partial<LoweringOptions> = {}): Graph =>
  lower(graph, { provider: 'cpu', precision: 'exact', ...options });

export const openGraph = (graph: Graph, options: Partial<LoweringOptions> = {}): Promise<OpenGraph> =>
  openLowered(optimize(lowerForTest(graph, options)));

async function runOnce(opening: Promise<OpenGraph>, feeds: Readonly<Tensors>): Promise<Tensors> {
  const session = await opening;
  try {
    return await session.run(feeds);
  } finally {
    await session.release();
  }
}

export const runGraph = (graph: Graph, feeds: Readonly<Tensors>, options: Partial<LoweringOptions> = {}) =>
  runOnce(openGraph(graph, options), feeds);

/** Runs a lowered graph as it stands, without the passes. */
export const runLowered = (lowered: Graph, feeds: Readonly<Tensors>) => runOnce(openLowered(lowered), feeds);
