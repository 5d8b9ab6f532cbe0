/** Which embeddings lie nearest to one another. */

export interface Neighbour {
  readonly index: number;
  /** of the angle between both; 1: the same direction */
  readonly cosine: number;
}

/** For each embedding the `count` others of the largest cosine, nearest first. */
export function nearest(embeddings: readonly Float32Array[], count: number): Neighbour[][] {
  const unit = embeddings.map((values) => {
    const length = Math.hypot(...values) || 1;
    return values.map((value) => value / length);
  });
  return unit.map((mine, i) =>
    unit
      .map((other, index) => ({ index, cosine: mine.reduce((sum, value, k) => sum + value * other[k], 0) }))
      .filter(({ index }) => index !== i)
      .sort((a, b) => b.cosine - a.cosine)
      .slice(0, count),
  );
}
