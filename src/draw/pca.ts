/** Principal components by power iteration, on rows of unit length; deterministic. */

export interface Projection {
  /** [rows, components] */
  readonly coordinates: Float64Array;
  /** fraction of the variance along each component */
  readonly explained: readonly number[];
}

/** Rows [rows, width] divided by their length; a row of zeros stays. */
export function unitRows(data: Float32Array, width: number): Float32Array {
  const result = Float32Array.from(data);
  for (let start = 0; start < data.length; start += width) {
    const row = result.subarray(start, start + width);
    const length = Math.sqrt(row.reduce((sum, x) => sum + x * x, 0));
    if (length > 0) row.forEach((x, i) => (row[i] = x / length));
  }
  return result;
}

/** Iterations of one component; they end earlier where the direction stands still. */
const ITERATIONS = 300;
const STILL = 1e-10;

/**
 * The coordinates of rows [rows, width] along their first `components` directions of largest variance. Signs are chosen so
 * that the largest entry of a direction is positive.
 */
export function principalComponents(data: Float32Array, width: number, components: number): Projection {
  const rows = data.length / width;
  const centered = Float64Array.from(data);
  for (let j = 0; j < width; j++) {
    let sum = 0;
    for (let i = 0; i < rows; i++) sum += centered[i * width + j];
    for (let i = 0; i < rows; i++) centered[i * width + j] -= sum / rows;
  }
  const total = centered.reduce((sum, x) => sum + x * x, 0);
  const coordinates = new Float64Array(rows * components);
  const explained: number[] = [];
  for (let c = 0; c < components; c++) {
    const direction = mainDirection(centered, rows, width);
    let variance = 0;
    for (let i = 0; i < rows; i++) {
      const row = centered.subarray(i * width, (i + 1) * width);
      const along = row.reduce((sum, x, j) => sum + x * direction[j], 0);
      row.forEach((x, j) => (row[j] = x - along * direction[j]));
      coordinates[i * components + c] = along;
      variance += along * along;
    }
    explained.push(total > 0 ? variance / total : 0);
  }
  return { coordinates, explained };
}

/** The unit vector v that X'X v points along: v <- X'(X v), normalized, until it stands still. */
function mainDirection(data: Float64Array, rows: number, width: number): Float64Array {
  let v = normalized(Float64Array.from({ length: width }, (_, j) => 1 + Math.sin(j + 1) / 2));
  for (let iteration = 0; iteration < ITERATIONS; iteration++) {
    const next = new Float64Array(width);
    for (let i = 0; i < rows; i++) {
      const start = i * width;
      let along = 0;
      for (let j = 0; j < width; j++) along += data[start + j] * v[j];
      for (let j = 0; j < width; j++) next[j] += along * data[start + j];
    }
    const before = v;
    v = normalized(next);
    if (v.reduce((sum, x, j) => sum + (x - before[j]) ** 2, 0) < STILL) break;
  }
  const largest = v.reduce((best, x) => (Math.abs(x) > Math.abs(best) ? x : best), 0);
  return largest < 0 ? v.map((x) => -x) : v;
}

function normalized(v: Float64Array): Float64Array {
  const length = Math.sqrt(v.reduce((sum, x) => sum + x * x, 0));
  return length > 0 ? v.map((x) => x / length) : v;
}
