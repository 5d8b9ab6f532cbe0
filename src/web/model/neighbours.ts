/** Which embeddings lie nearest to one another, as they come. */
import { unitRows } from '../../tensors/rows';

export interface Neighbour {
  readonly index: number;
  /** of the angle between both; 1: the same direction */
  readonly cosine: number;
}

export class Nearest {
  private readonly units: Float32Array[] = [];
  private readonly lists: Neighbour[][] = [];

  /** @param count others that are kept for each */
  constructor(private readonly count: number) {}

  /** The others of the largest cosine, nearest first. */
  of(index: number): readonly Neighbour[] {
    return this.lists[index];
  }

  /** Adds an embedding and tells the indices whose neighbours are others now, its own last. */
  add(embedding: Float32Array): number[] {
    const { values: unit } = unitRows({ count: 1, width: embedding.length, values: embedding });
    const index = this.units.length;
    this.lists.push([]);
    const changed = new Set<number>();
    this.units.forEach((other, i) => {
      let cosine = 0;
      for (let k = 0; k < unit.length; k++) cosine += unit[k] * other[k];
      if (this.insert(i, { index, cosine })) changed.add(i);
      this.insert(index, { index: i, cosine });
    });
    this.units.push(unit);
    return [...changed, index];
  }

  /** Whether it is one of the nearest. */
  private insert(at: number, neighbour: Neighbour): boolean {
    const list = this.lists[at];
    const farther = list.findIndex(({ cosine }) => cosine < neighbour.cosine);
    const place = farther < 0 ? list.length : farther;
    if (place >= this.count) return false;
    list.splice(place, 0, neighbour);
    list.length = Math.min(list.length, this.count);
    return true;
  }
}
