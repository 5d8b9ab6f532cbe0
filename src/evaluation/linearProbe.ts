/** The linear probe: standardized features, C chosen on a part of the training images, then one fit on all of them. */
import { UserError } from '../base/errors';
import type { Rows } from '../tensors/rows';
import { classify, openLogistic, type LogisticModel, type LogisticProblem } from './logistic';
import { holdOut } from './holdOut';

export interface LinearProbe {
  /** [queries], the predicted labels */
  readonly predictions: Int32Array;
  /** the chosen inverse regularization (scikit-learn's C) */
  readonly c: number;
  /** accuracy on the held-out training images for each C of the grid */
  readonly grid: readonly { readonly c: number; readonly accuracy: number }[];
  /** false where the last fit stopped at its limit of iterations */
  readonly converged: boolean;
}

/** A decade apart; with standardized features and 200 to 50,000 images the best one lies inside. */
const GRID = [1e-4, 1e-3, 1e-2, 1e-1, 1, 10];
/** Fraction of the training images on which C is chosen. */
const HELD = 0.2;

export interface Labelled extends Rows {
  /** [count], in [0, classes) */
  readonly labels: Int32Array;
}

/** Whether some class has an image to choose C on and another to train on. */
export const canChoose = ({ labels }: Labelled): boolean => holdOut(labels, HELD, 0).held.length > 0;

/**
 * Trains on `bank` and predicts the classes of `queries`; the draw of the held-out part comes from `seed`. Throws a UserError
 * where there is nothing to hold out.
 */
export async function linearProbe(
  bank: Labelled,
  queries: Rows,
  classes: number,
  { seed, threads }: { readonly seed: number; readonly threads: number },
): Promise<LinearProbe> {
  const { kept, held } = holdOut(bank.labels, HELD, seed);
  if (held.length === 0)
    throw new UserError(
      'linear-probe: no class has two labelled images, so that none is left to choose C on',
    );
  const [train, validation] = [pick(bank, kept), pick(bank, held)];
  const scaled = standardizer(train);
  const test = scaled(validation);
  const tried = await withProblem(scaled(train), train.labels, async (fit) => {
    const results: { c: number; accuracy: number; model: LogisticModel }[] = [];
    for (const c of GRID) {
      const model = await fit(c, results.at(-1)?.model);
      results.push({ c, accuracy: accuracy(classify(model, test), test.labels), model });
    }
    return results;
  });
  // Of equally good ones the most regularized.
  const best = tried.reduce((a, b) => (b.accuracy > a.accuracy ? b : a));
  const all = standardizer(bank);
  const model = await withProblem(all(bank), bank.labels, (fit) => fit(best.c, best.model));
  return {
    predictions: classify(model, all(queries)),
    c: best.c,
    grid: tried.map(({ c, accuracy }) => ({ c, accuracy })),
    converged: model.converged,
  };

  async function withProblem<T>(
    rows: Rows,
    labels: Int32Array,
    body: (fit: LogisticProblem['fit']) => Promise<T>,
  ): Promise<T> {
    const problem = await openLogistic(rows, labels, classes, threads);
    try {
      return await body((...of) => problem.fit(...of));
    } finally {
      await problem.release();
    }
  }
}

/** Fraction of `predictions` that are the label. */
export const accuracy = (predictions: Int32Array, labels: Int32Array) =>
  predictions.filter((label, i) => label === labels[i]).length / predictions.length;

/** The rows at `positions`, in their order. */
export function pick({ width, values, labels }: Labelled, positions: Int32Array): Labelled {
  const chosen = new Float32Array(positions.length * width);
  positions.forEach((from, to) => chosen.set(values.subarray(from * width, (from + 1) * width), to * width));
  return { count: positions.length, width, values: chosen, labels: positions.map((at) => labels[at]) };
}

/** Brings rows to mean 0 and deviation 1 of `reference` in each column; a constant column is only centred. */
function standardizer(reference: Rows): <T extends Rows>(rows: T) => T {
  const { count, width, values } = reference;
  const means = new Float64Array(width);
  const scales = new Float64Array(width);
  values.forEach((value, i) => (means[i % width] += value / count));
  values.forEach((value, i) => (scales[i % width] += (value - means[i % width]) ** 2 / count));
  scales.forEach((variance, i) => (scales[i] = variance > 0 ? 1 / Math.sqrt(variance) : 1));
  return (rows) => ({
    ...rows,
    values: rows.values.map((value, i) => (value - means[i % width]) * scales[i % width]),
  });
}
