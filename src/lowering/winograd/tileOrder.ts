/**
 * In which order the pixels of a map lie in its matrix [P, C], P = N*H*W.
 *
 * Tile 1: image by image, row-major. Tile m: (place in an m x m tile, image, tile row, tile column), the order in which a
 * Winograd transform F(m x m, 3 x 3) reads and writes. Pointwise products, norms and elementwise operators do not care.
 */
export interface MapSize {
  readonly n: number;
  readonly h: number;
  readonly w: number;
}

export interface PixelOrder {
  readonly tile: number;
  /** Row of `image`'s pixel (row-major index). */
  readonly position: (image: number, pixel: number) => number;
}

/**
 * The places (row, column) of a tile, those first that most of the overlapping (m + 2) x (m + 2) input tiles share: corners
 * are in four, edges in two. Blocks of equal count lie together, so that overlapping tiles are summed with few gathers.
 */
export function tilePlaces(m: number): [number, number][] {
  const sharing = (r: number) => (r === 0 || r === m - 1 ? 2 : 1);
  const places = Array.from({ length: m * m }, (_, i): [number, number] => [Math.floor(i / m), i % m]);
  return places.sort(([a, b], [c, d]) => sharing(c) * sharing(d) - sharing(a) * sharing(b));
}

export function pixelOrder({ n, h, w }: MapSize, tile: number): PixelOrder {
  if (tile === 1) return { tile, position: (image, pixel) => image * h * w + pixel };
  const rank = new Map(tilePlaces(tile).map(([r, c], i) => [r * tile + c, i]));
  const [rows, columns] = [h / tile, w / tile];
  return {
    tile,
    position: (image, pixel) => {
      const y = Math.floor(pixel / w);
      const x = pixel % w;
      const place = rank.get((y % tile) * tile + (x % tile)) ?? 0;
      return ((place * n + image) * rows + Math.floor(y / tile)) * columns + Math.floor(x / tile);
    },
  };
}

/** For each row of order `to` the row of order `from` that holds the same pixel. */
export function reorder({ n, h, w }: MapSize, from: PixelOrder, to: PixelOrder): Int32Array {
  const index = new Int32Array(n * h * w);
  for (let image = 0; image < n; image++) {
    for (let pixel = 0; pixel < h * w; pixel++) {
      index[to.position(image, pixel)] = from.position(image, pixel);
    }
  }
  return index;
}
