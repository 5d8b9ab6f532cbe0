/** Images that a run skipped: each is named once, and counted. */
import type { Batch, BrokenImage } from '../data/batches/options';

export class BrokenImages {
  /** by where they are: an index may be of one source or another */
  private readonly seen = new Set<string>();

  /** `warn` gets a line for every image that was not skipped before. */
  constructor(private readonly warn: (line: string) => void) {}

  get count(): number {
    return this.seen.size;
  }

  add(batches: readonly Pick<Batch, 'broken'>[]): void {
    for (const { where, reason } of batches.flatMap(({ broken }): readonly BrokenImage[] => broken)) {
      if (this.seen.has(where)) continue;
      this.seen.add(where);
      this.warn(`skipped: ${reason}`);
    }
  }
}
