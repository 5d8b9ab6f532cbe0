/** Principal components of rows. */
import { Matrix, NIPALS } from 'ml-matrix';
import { argmax, type Rows } from '../tensors/rows';

export interface Projection {
  /** [rows, components] */
  readonly coordinates: Float64Array;
  /** fraction of the variance along each component */
  readonly explained: readonly number[];
}

/** Rounds of one component at most; it ends where they move its coordinates by less than this part of all variance. */
const ROUNDS = { maxIterations: 300, terminationCriteria: 1e-9 };

/**
 * The coordinates of the rows along their first `components` directions of largest variance. Signs are chosen so that the
 * largest entry of a direction is positive.
 */
export function principalComponents({ count, width, values }: Rows, components: number): Projection {
  let rest = Matrix.from1DArray(count, width, values).center('column');
  const total = rest.norm() ** 2;
  const coordinates = new Float64Array(count * components);
  const explained: number[] = [];
  for (let c = 0; c < components && rest.norm() > 0; c++) {
    const found = new NIPALS(rest, {
      ...ROUNDS,
      terminationCriteria: ROUNDS.terminationCriteria * total,
    });
    const direction = found.w.to1DArray();
    const sign = Math.sign(direction[argmax(direction.map(Math.abs))]);
    const along = found.t.to1DArray();
    along.forEach((x, i) => (coordinates[i * components + c] = sign * x));
    explained.push(along.reduce((sum, x) => sum + x * x, 0) / total);
    rest = found.xResidual;
  }
  while (explained.length < components) explained.push(0);
  return { coordinates, explained };
}
