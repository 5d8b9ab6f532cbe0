/** Images that a run skipped: each is named once, and counted. */
import type { Batch, BrokenImage } from '../data/loader';

export class BrokenImages {
  /** by what is wrong, which says where: an index may be of one source or another */
  private readonly seen = new Set<string>();

  /** `warn` gets a line for every image that was not skipped before. */
  constructor(private readonly warn: (line: string) => void) {}

  get count(): number {
    return this.seen.size;
  }

  add(batches: readonly Pick<Batch, 'broken'>[]): void {
    for (const { reason } of batches.flatMap(({ broken }): readonly BrokenImage[] => broken)) {
      if (this.seen.has(reason)) continue;
      this.seen.add(reason);
      this.warn(`skipped: ${reason}`);
    }
  }
}
