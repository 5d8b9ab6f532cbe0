/** Frees what a step leaves behind at once. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Less than this, in bytes, is not worth a collection. */
const WORTH = 2 ** 25;

let collector: (() => void) | undefined;

/**
 * A full collection where a step left `bytes` behind: milliseconds on the small heap of the thread that calls the runtime. Every step leaves the buffers of
 * the state before it; their memory is not in V8's heap, so that V8 by itself lets one or two states pile up.
 */
export function collectGarbage(bytes: number): void {
  if (bytes < WORTH) return;
  if (!collector) {
    setFlagsFromString('--expose-gc');
    collector = runInNewContext('gc') as () => void;
  }
  collector();
}
