/** Small graphs for the evaluators' matrix products: the runtime does them at the machine's speed. */
import { emitGraph, toModel } from '../graph/emit';
import type { Graph } from '../graph/graph';
import { encodeModel } from '../onnx/encode';
import { optimize } from '../passes';
import { createModelSession, type GraphSession } from '../runtime/session';
import type { HostTensor } from '../tensors/dtype';

/** A session of a graph of ONNX operators on the CPU; `release` it. */
export const openGraph = (graph: Graph, threads: number): Promise<GraphSession> =>
  createModelSession(graph.name, encodeModel(toModel(emitGraph(optimize(graph)))), {
    provider: 'cpu',
    threads,
  });

/** The array of an output that the graph has. */
export function output(results: ReadonlyMap<string, HostTensor>, name: string): HostTensor['data'] {
  const tensor = results.get(name);
  if (!tensor) throw new Error(`the graph gave no ${name}`);
  return tensor.data;
}
