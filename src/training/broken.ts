/** Images that a run skipped: each is named once, and counted. */
import type { Batch, BrokenImage } from '../data/loader';

export class BrokenImages {
  private readonly seen = new Set<number>();

  /** `warn` gets a line for every image that was not skipped before. */
  constructor(private readonly warn: (line: string) => void) {}

  get count(): number {
    return this.seen.size;
  }

  add(batches: readonly Pick<Batch, 'broken'>[]): void {
    for (const { index, reason } of batches.flatMap(({ broken }): readonly BrokenImage[] => broken)) {
      if (this.seen.has(index)) continue;
      this.seen.add(index);
      this.warn(`skipped: ${reason}`);
    }
  }
}
