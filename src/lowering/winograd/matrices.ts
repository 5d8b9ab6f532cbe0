/**
 * The matrices of Winograd's minimal filtering F(m x m, 3 x 3): Lavin & Gray (2016), "Fast Algorithms for Convolutional
 * Neural Networks", with the interpolation points 0, 1, -1 and, for m = 4, 2, -2.
 */
export type Matrix = readonly (readonly number[])[];

interface Transforms {
  /** B' [e, e] */
  readonly input: Matrix;
  /** G [e, 3] */
  readonly kernel: Matrix;
  /** A' [m, e] */
  readonly output: Matrix;
}

export const TRANSFORMS: Readonly<Record<number, Transforms>> = {
  2: {
    input: [
      [1, 0, -1, 0],
      [0, 1, 1, 0],
      [0, -1, 1, 0],
      [0, 1, 0, -1],
    ],
    kernel: [
      [1, 0, 0],
      [0.5, 0.5, 0.5],
      [0.5, -0.5, 0.5],
      [0, 0, 1],
    ],
    output: [
      [1, 1, 1, 0],
      [0, 1, -1, -1],
    ],
  },
  4: {
    input: [
      [4, 0, -5, 0, 1, 0],
      [0, -4, -4, 1, 1, 0],
      [0, 4, -4, -1, 1, 0],
      [0, -2, -1, 2, 1, 0],
      [0, 2, -1, -2, 1, 0],
      [0, 4, 0, -5, 0, 1],
    ],
    kernel: [
      [1 / 4, 0, 0],
      [-1 / 6, -1 / 6, -1 / 6],
      [-1 / 6, 1 / 6, -1 / 6],
      [1 / 24, 1 / 12, 1 / 6],
      [1 / 24, -1 / 12, 1 / 6],
      [0, 0, 1],
    ],
    output: [
      [1, 1, 1, 1, 1, 0],
      [0, 1, -1, 2, -2, 0],
      [0, 1, 1, 4, 4, 0],
      [0, 1, -1, 8, -8, 1],
    ],
  },
};

/** a (x) a */
export const square = (a: Matrix): number[][] =>
  a.flatMap((r) => a.map((s) => r.flatMap((x) => s.map((y) => x * y))));
export const transposed = (a: Matrix): number[][] => a[0].map((_, j) => a.map((row) => row[j]));
