/**
 * Multinomial logistic regression: mean cross-entropy + |W|^2 / (2 C n) over the weights and not the biases, which is
 * scikit-learn's LogisticRegression divided by C n. Value and gradient come from a float64 graph, the rest from L-BFGS.
 */
import { gradients } from '../autodiff/gradients';
import { Graph } from '../graph/graph';
import { div, mul, sub } from '../ops/elementwise';
import { gemm } from '../ops/matmul';
import { reduceSum } from '../ops/reduce';
import { logSoftmax } from '../ops/softmax';
import type { HostTensor } from '../tensors/dtype';
import { argmax, type Rows } from '../tensors/rows';
import { minimize, type Evaluated } from './lbfgs';
import { openGraph, output } from './openGraph';

export interface LogisticModel {
  /** [classes, width] */
  readonly weights: Float64Array;
  /** [classes] */
  readonly biases: Float64Array;
  readonly converged: boolean;
}

export interface LogisticProblem {
  /** The minimum for inverse regularization `c`, from `start` or zeros, to `tolerance` (default 1e-4). */
  fit(c: number, start?: LogisticModel, tolerance?: number): Promise<LogisticModel>;
  release(): Promise<void>;
}

/** The gradient's largest component at which a fit is finished; scikit-learn's. Accuracies no longer move long before. */
const TOLERANCE = 1e-4;

/** Opens the problem of telling `labels` (in [0, classes)) from `rows`. */
export async function openLogistic(
  rows: Rows,
  labels: Int32Array,
  classes: number,
  threads: number,
): Promise<LogisticProblem> {
  const { count: n, width } = rows;
  const session = await openGraph(lossGraph(n, width, classes), threads);
  const target = new Float64Array(n * classes);
  labels.forEach((label, row) => (target[row * classes + label] = 1));
  const tensor = (data: Float64Array, ...shape: number[]): HostTensor => ({ dtype: 'float64', shape, data });
  const fixed = [
    ['x', tensor(Float64Array.from(rows.values), n, width)],
    ['target', tensor(target, n, classes)],
  ] as const;
  const split = classes * width;

  /** `x`: weights, then biases */
  const evaluate = async (x: Float64Array, c: number): Promise<Evaluated> => {
    const results = await session.run(
      new Map([
        ...fixed,
        ['strength', tensor(Float64Array.of(1 / (c * n)))],
        ['w', tensor(x.slice(0, split), classes, width)],
        ['b', tensor(x.slice(split), classes)],
      ]),
    );
    const gradient = new Float64Array(x.length);
    gradient.set(output(results, 'dw') as Float64Array);
    gradient.set(output(results, 'db') as Float64Array, split);
    return { value: Number(output(results, 'loss')[0]), gradient };
  };

  return {
    async fit(c, start, tolerance = TOLERANCE) {
      const from = new Float64Array(split + classes);
      if (start) {
        from.set(start.weights);
        from.set(start.biases, split);
      }
      const { x, converged } = await minimize((at) => evaluate(at, c), from, { tolerance });
      return { weights: x.slice(0, split), biases: x.slice(split), converged };
    },
    release: () => session.release(),
  };
}

/**
 * x [n, width], target [n, classes] (one-hot), w, b, strength [] -> mean cross-entropy + strength |w|^2 / 2, and its gradients.
 */
function lossGraph(n: number, width: number, classes: number): Graph {
  const graph = new Graph('logistic regression');
  const input = (name: string, ...shape: number[]) => graph.input(name, 'float64', shape);
  const [x, target, w, b] = [
    input('x', n, width),
    input('target', n, classes),
    input('w', classes, width),
    input('b', classes),
  ];
  const likelihood = reduceSum(mul(logSoftmax(gemm(x, w, { transB: 1 }, b), 1), target));
  const penalty = mul(reduceSum(mul(w, w)), mul(input('strength'), 0.5));
  const loss = sub(penalty, div(likelihood, n));
  const [dw, db] = gradients(loss, [w, b]);
  graph.output('loss', loss);
  graph.output('dw', dw);
  graph.output('db', db);
  return graph;
}

/** The class with the largest logit of each row, [rows]; of equals the lower label. */
export function classify({ weights, biases }: LogisticModel, { count, width, values }: Rows): Int32Array {
  return Int32Array.from({ length: count }, (_, row) => {
    const logits = biases.map((bias, label) => {
      let sum = bias;
      for (let i = 0; i < width; i++) sum += weights[label * width + i] * values[row * width + i];
      return sum;
    });
    return argmax(logits);
  });
}
