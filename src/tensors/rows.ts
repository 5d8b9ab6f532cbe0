/** Operations on rows of numbers: the largest, softmax, unit length, and the nearest by cosine. */

/** Rows of features: float32 [count, width], row-major. */
export interface Rows {
  readonly count: number;
  readonly width: number;
  readonly values: Float32Array;
}

/** Index of the largest value; of equals the first. */
export function argmax(row: ArrayLike<number>): number {
  let best = 0;
  for (let i = 1; i < row.length; i++) if (row[i] > row[best]) best = i;
  return best;
}

/** Indices of the `n` largest values, largest first; of equals the one that comes first. */
export const largestIndices = (row: ArrayLike<number>, n: number): number[] =>
  Array.from(row, (_, i) => i)
    .sort((a, b) => row[b] - row[a] || a - b)
    .slice(0, n);

/** exp(x) over its sum. */
export function softmax(row: ArrayLike<number>): number[] {
  const largest = row[argmax(row)];
  const powers = Array.from(row, (x) => Math.exp(x - largest));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((power) => power / sum);
}

/** Each row divided by its Euclidean norm; a row of zeros stays. */
export function unitRows({ count, width, values }: Rows): Rows {
  const result = new Float32Array(values.length);
  for (let row = 0; row < count; row++) {
    let sum = 0;
    for (let i = row * width; i < (row + 1) * width; i++) sum += values[i] * values[i];
    const scale = sum > 0 ? 1 / Math.sqrt(sum) : 0;
    for (let i = row * width; i < (row + 1) * width; i++) result[i] = values[i] * scale;
  }
  return { count, width, values: result };
}

export interface Neighbour {
  readonly index: number;
  /** cosine of the two embeddings */
  readonly similarity: number;
}

/** The `count` rows of unit length nearest to `vector`, which has it too, nearest first. */
export const nearestTo = (
  { count: n, width, values }: Rows,
  vector: Float32Array,
  count: number,
): Neighbour[] =>
  Array.from({ length: n }, (_, index) => {
    let similarity = 0;
    for (let j = 0; j < width; j++) similarity += vector[j] * values[index * width + j];
    return { index, similarity };
  })
    .sort((a, b) => b.similarity - a.similarity || a.index - b.index)
    .slice(0, count);

/** The `count` rows of unit length nearest to row `query`, itself left out. */
export function nearestRows(units: Rows, query: number, count: number): Neighbour[] {
  const { width, values } = units;
  // Its copies may be as near as the row itself.
  return nearestTo(units, values.subarray(query * width, (query + 1) * width), units.count)
    .filter(({ index }) => index !== query)
    .slice(0, count);
}

/**
 * Fraction of the labelled rows of unit length whose nearest neighbour has their label, and what a neighbour drawn at random
 * would reach.
 */
export function neighbourAgreement(
  units: Rows,
  labels: Int32Array,
): { readonly accuracy: number; readonly chance: number } {
  let right = 0;
  const sizes = new Map<number, number>();
  labels.forEach((label) => sizes.set(label, (sizes.get(label) ?? 0) + 1));
  labels.forEach((label, i) => {
    const [nearest] = nearestRows(units, i, 1);
    right += Number(labels[nearest.index] === label);
  });
  const n = labels.length;
  const pairs = [...sizes.values()].reduce((sum, size) => sum + size * (size - 1), 0);
  return { accuracy: right / n, chance: pairs / (n * (n - 1)) };
}
