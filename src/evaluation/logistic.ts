/**
 * Multinomial logistic regression: mean cross-entropy + |W|^2 / (2 C n) over the weights and not the biases, which is
 * scikit-learn's LogisticRegression divided by C n. Value and gradient come from a float64 graph, the rest from L-BFGS.
 */
import type { HostTensor } from '../tensors/dtype';
import { argmax, type Rows } from '../tensors/rows';
import { minimize, type Evaluated } from './lbfgs';
import { node, openMatrixGraph, output } from './matrixGraph';

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
  const session = await openMatrixGraph(
    {
      name: 'logistic regression',
      inputs: {
        x: ['float64', [n, width]],
        target: ['float64', [n, classes]],
        w: ['float64', [classes, width]],
        b: ['float64', [classes]],
      },
      outputs: { loss: ['float64', []], dw: ['float64', [classes, width]], db: ['float64', [classes]] },
      constants: [
        { name: 'n', dtype: 'float64', shape: [], data: Float64Array.of(n) },
        { name: 'rows', dtype: 'int64', shape: [1], data: BigInt64Array.of(0n) },
      ],
      nodes: [
        node('Gemm', ['x', 'w', 'b'], ['logits'], { transB: 1 }),
        node('LogSoftmax', ['logits'], ['log_p'], { axis: 1 }),
        node('Mul', ['log_p', 'target'], ['hit']),
        node('ReduceSum', ['hit'], ['log_likelihood'], { keepdims: 0 }),
        node('Neg', ['log_likelihood'], ['sum']),
        node('Div', ['sum', 'n'], ['loss']),
        node('Exp', ['log_p'], ['p']),
        node('Sub', ['p', 'target'], ['difference']),
        node('Div', ['difference', 'n'], ['d_logits']),
        node('Gemm', ['d_logits', 'x'], ['dw'], { transA: 1 }),
        node('ReduceSum', ['d_logits', 'rows'], ['db'], { keepdims: 0 }),
      ],
    },
    threads,
  );
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
        ['w', tensor(x.slice(0, split), classes, width)],
        ['b', tensor(x.slice(split), classes)],
      ]),
    );
    const gradient = new Float64Array(x.length);
    gradient.set(output(results, 'dw') as Float64Array);
    gradient.set(output(results, 'db') as Float64Array, split);
    const strength = 1 / (c * n);
    let square = 0;
    for (let i = 0; i < split; i++) {
      square += x[i] * x[i];
      gradient[i] += strength * x[i];
    }
    return { value: Number(output(results, 'loss')[0]) + (strength / 2) * square, gradient };
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
