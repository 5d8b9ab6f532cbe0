/** Batches of a loader, for tests. */
import { createLoader, type LoaderOptions } from '../../src/data/batches/loader';
import type { Batch } from '../../src/data/batches/options';

/** The next `count` batches (all: until it is done), then closes. */
export async function take(options: LoaderOptions, count = Infinity): Promise<Batch[]> {
  const loader = await createLoader(options);
  const batches: Batch[] = [];
  if (count > 0) {
    for await (const batch of loader) {
      batches.push(batch);
      if (batches.length === count) break;
    }
  }
  return batches;
}
