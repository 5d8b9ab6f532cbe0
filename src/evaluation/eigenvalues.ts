/** Eigenvalues of a symmetric matrix: Householder's reduction to tridiagonal form, then QL with implicit shifts. */

/** `matrix` [n, n], row-major, only its lower triangle is read; the eigenvalues ascending. */
export function symmetricEigenvalues(matrix: Float64Array, n: number): Float64Array {
  const [diagonal, offDiagonal] = tridiagonalize(Float64Array.from(matrix), n);
  solveTridiagonal(diagonal, offDiagonal);
  return diagonal.sort();
}

/**
 * Reflects row after row, the last first, so that nothing is left but the diagonal and, in element i of the second array,
 * what stands between i - 1 and i. Overwrites `a`.
 */
function tridiagonalize(a: Float64Array, n: number): [Float64Array, Float64Array] {
  const diagonal = new Float64Array(n);
  const offDiagonal = new Float64Array(n);
  for (let i = n - 1; i > 0; i--) {
    // v, the part of row i left of the diagonal, is reflected onto its last place.
    const v = a.subarray(i * n, i * n + i);
    diagonal[i] = a[i * n + i];
    const norm = Math.sqrt(v.reduce((sum, x) => sum + x * x, 0));
    const alpha = v[i - 1] > 0 ? -norm : norm;
    offDiagonal[i] = alpha;
    const scale = norm * norm - v[i - 1] * alpha;
    if (scale === 0) continue;
    v[i - 1] -= alpha;
    // a' = a - v w^T - w v^T with w = p - (v.p / 2 scale) v, p = a v / scale
    const w = new Float64Array(i);
    for (let r = 0; r < i; r++) {
      const row = r * n;
      let sum = a[row + r] * v[r];
      for (let c = 0; c < r; c++) {
        sum += a[row + c] * v[c];
        w[c] += a[row + c] * v[r];
      }
      w[r] += sum;
    }
    let along = 0;
    for (let r = 0; r < i; r++) {
      w[r] /= scale;
      along += v[r] * w[r];
    }
    for (let r = 0; r < i; r++) w[r] -= (along / (2 * scale)) * v[r];
    for (let r = 0; r < i; r++) {
      const row = r * n;
      for (let c = 0; c <= r; c++) a[row + c] -= v[r] * w[c] + w[r] * v[c];
    }
  }
  diagonal[0] = a[0];
  return [diagonal, offDiagonal];
}

/** Overwrites `d` with the eigenvalues of the tridiagonal matrix with diagonal `d`; `e[i]` stands between i - 1 and i. */
function solveTridiagonal(d: Float64Array, e: Float64Array): void {
  const n = d.length;
  e.copyWithin(0, 1);
  e[n - 1] = 0;
  for (let l = 0; l < n; l++) {
    for (;;) {
      let m = l;
      while (m < n - 1 && Math.abs(e[m]) > Number.EPSILON * (Math.abs(d[m]) + Math.abs(d[m + 1]))) m++;
      if (m === l) break;
      // Wilkinson's shift, chased from m to l by plane rotations.
      const half = (d[l + 1] - d[l]) / (2 * e[l]);
      let g = d[m] - d[l] + e[l] / (half + Math.sign(half || 1) * Math.hypot(half, 1));
      let s = 1;
      let c = 1;
      let p = 0;
      let i = m - 1;
      for (; i >= l; i--) {
        const f = s * e[i];
        const b = c * e[i];
        const r = Math.hypot(f, g);
        e[i + 1] = r;
        if (r === 0) {
          d[i + 1] -= p;
          e[m] = 0;
          break;
        }
        s = f / r;
        c = g / r;
        g = d[i + 1] - p;
        const t = (d[i] - g) * s + 2 * c * b;
        p = s * t;
        d[i + 1] = g + p;
        g = c * t - b;
      }
      if (i >= l) continue;
      d[l] -= p;
      e[l] = g;
      e[m] = 0;
    }
  }
}
