/**
 * Weighted k-nearest-neighbour classification of embeddings: cosine similarity, each of the k nearest images of the bank
 * votes for its class with exp(similarity / temperature) (Wu et al., "Unsupervised Feature Learning via Non-Parametric
 * Instance Discrimination", 2018; DINO's evaluation, 2021).
 */
import { Graph } from '../graph/graph';
import { gemm } from '../ops/matmul';
import { topK } from '../ops/onnx';
import { argmax, unitRows, type Rows } from '../tensors/rows';
import { openGraph, output } from './openGraph';

export interface Neighbours {
  readonly k: number;
  /** [queries, k], rows of the bank, the most similar first; of equals the one that comes first */
  readonly indices: Int32Array;
  /** [queries, k], cosines */
  readonly similarities: Float32Array;
}

/** Queries that are compared with the whole bank at once: bounds the matrix of similarities. */
const CHUNK = 256;

/** The `k` rows of `bank` most similar to each row of `queries`; k at most the bank's size. */
export async function nearest(bank: Rows, queries: Rows, k: number, threads: number): Promise<Neighbours> {
  const { count: n, width } = bank;
  const found = {
    k,
    indices: new Int32Array(queries.count * k),
    similarities: new Float32Array(queries.count * k),
  };
  const graph = new Graph('nearest neighbours');
  const all = graph.input('bank', 'float32', [n, width]);
  const asked = graph.input('queries', 'float32', ['m', width]);
  const [similarities, indices] = topK(gemm(asked, all, { transB: 1 }), k);
  graph.output('similarities', similarities);
  graph.output('indices', indices);
  const session = await openGraph(graph, threads);
  const rows = { dtype: 'float32', shape: [n, width], data: unitRows(bank).values } as const;
  const { values } = unitRows(queries);
  try {
    for (let from = 0; from < queries.count; from += CHUNK) {
      const m = Math.min(CHUNK, queries.count - from);
      const part = values.slice(from * width, (from + m) * width);
      const results = await session.run(
        new Map([
          ['bank', rows],
          ['queries', { dtype: 'float32', shape: [m, width], data: part }],
        ]),
      );
      found.similarities.set(output(results, 'similarities') as Float32Array, from * k);
      found.indices.set(Int32Array.from(output(results, 'indices') as BigInt64Array, Number), from * k);
    }
  } finally {
    await session.release();
  }
  return found;
}

/**
 * The class with the most votes for each query, [queries]; of equals the lower label. `labels` are the bank's, in
 * [0, classes).
 */
export function vote(
  { k, indices, similarities }: Neighbours,
  labels: Int32Array,
  classes: number,
  temperature: number,
): Int32Array {
  return Int32Array.from({ length: indices.length / k }, (_, query) => {
    const votes = new Float64Array(classes);
    const best = similarities[query * k];
    for (let i = query * k; i < (query + 1) * k; i++) {
      // Relative to the nearest, so that no temperature overflows; the order of the classes is the same.
      votes[labels[indices[i]]] += Math.exp((similarities[i] - best) / temperature);
    }
    return argmax(votes);
  });
}
