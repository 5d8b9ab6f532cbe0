/** Nearest neighbours among embeddings of unit length, by cosine. */

export interface Neighbour {
  readonly index: number;
  /** cosine of the two embeddings */
  readonly similarity: number;
}

/** The `count` rows of [rows, width] nearest to `vector`, nearest first. */
export function nearestTo(
  units: Float32Array,
  width: number,
  vector: Float32Array,
  count: number,
): Neighbour[] {
  return Array.from({ length: units.length / width }, (_, index) => {
    let similarity = 0;
    for (let j = 0; j < width; j++) similarity += vector[j] * units[index * width + j];
    return { index, similarity };
  })
    .sort((a, b) => b.similarity - a.similarity || a.index - b.index)
    .slice(0, count);
}

/** The `count` rows nearest to row `query`, itself left out. */
export function nearestRows(units: Float32Array, width: number, query: number, count: number): Neighbour[] {
  const own = units.subarray(query * width, (query + 1) * width);
  // Its copies may be as near as the row itself.
  return nearestTo(units, width, own, units.length / width)
    .filter(({ index }) => index !== query)
    .slice(0, count);
}

/**
 * Fraction of the labelled rows whose nearest neighbour has their label, and what a neighbour drawn at random would reach.
 */
export function neighbourAgreement(
  units: Float32Array,
  width: number,
  labels: Int32Array,
): { readonly accuracy: number; readonly chance: number } {
  let right = 0;
  const sizes = new Map<number, number>();
  labels.forEach((label) => sizes.set(label, (sizes.get(label) ?? 0) + 1));
  labels.forEach((label, i) => {
    const [nearest] = nearestRows(units, width, i, 1);
    right += Number(labels[nearest.index] === label);
  });
  const n = labels.length;
  const pairs = [...sizes.values()].reduce((sum, size) => sum + size * (size - 1), 0);
  return { accuracy: right / n, chance: pairs / (n * (n - 1)) };
}
