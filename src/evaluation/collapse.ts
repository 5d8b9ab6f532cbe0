/** Whether embeddings have collapsed: do they spread over the sphere, and over how many dimensions. */
import { EigenvalueDecomposition, Matrix } from 'ml-matrix';
import { Graph } from '../graph/graph';
import { gemm } from '../ops/matmul';
import { unitRows, type Rows } from '../tensors/rows';
import { openGraph, output } from './openGraph';

export interface Collapse {
  /**
   * sqrt(width) times the mean over the dimensions of the standard deviation of the L2-normalized embeddings: 0 where all
   * images have one embedding, about 1 where they lie evenly on the sphere (SimSiam, Chen and He, 2021). Embeddings behind
   * a ReLU fill one orthant only and stay below.
   */
  readonly spread: number;
  /**
   * RankMe (Garrido et al., 2023): exp of the entropy of the singular values of the matrix of embeddings over their sum,
   * neither normalized nor centred; from 1 to the smaller of images and width.
   */
  readonly rank: number;
}

/** Of the embeddings of at least one image. */
export async function collapse(rows: Rows, threads: number): Promise<Collapse> {
  return { spread: spread(rows), rank: effectiveRank(await singularValues(rows, threads)) };
}

export function spread(rows: Rows): number {
  const { count, width, values } = unitRows(rows);
  let sum = 0;
  for (let column = 0; column < width; column++) {
    let mean = 0;
    for (let i = column; i < values.length; i += width) mean += values[i] / count;
    let variance = 0;
    for (let i = column; i < values.length; i += width) variance += (values[i] - mean) ** 2 / count;
    sum += Math.sqrt(variance);
  }
  return sum / Math.sqrt(width);
}

/** exp(-sum p log p) with p = values / their sum; 0 where all values are 0. */
export function effectiveRank(values: Float64Array): number {
  const total = values.reduce((sum, value) => sum + value, 0);
  if (total === 0) return 0;
  return Math.exp(-values.reduce((sum, value) => sum + plogp(value / total), 0));
}

const plogp = (p: number) => (p > 0 ? p * Math.log(p) : 0);

/** Roots of the eigenvalues of X^T X or X X^T, whichever is smaller, formed in float64. */
export async function singularValues({ count, width, values }: Rows, threads: number): Promise<Float64Array> {
  const size = Math.min(count, width);
  const graph = new Graph('Gram matrix');
  const input = graph.input('rows', 'float64', [count, width]);
  graph.output('gram', gemm(input, input, count > width ? { transA: 1 } : { transB: 1 }));
  const session = await openGraph(graph, threads);
  try {
    const rows = { dtype: 'float64', shape: [count, width], data: Float64Array.from(values) } as const;
    const results = await session.run(new Map([['rows', rows]]));
    const gram = output(results, 'gram') as Float64Array;
    const { realEigenvalues } = new EigenvalueDecomposition(Matrix.from1DArray(size, size, gram), {
      assumeSymmetric: true,
    });
    return Float64Array.from(realEigenvalues, (value) => Math.sqrt(Math.max(0, value))).sort();
  } finally {
    await session.release();
  }
}
