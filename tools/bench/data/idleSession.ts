/** A session that does nothing, in its own thread: takes a step's feeds as a real one does and answers when time is up. */
import { parentPort } from 'node:worker_threads';
import { type HostTensor, unshared } from '../../../src/tensors/dtype';

/** One call: its feeds, and when it ends, in milliseconds of `performance.timeOrigin + performance.now()`. */
export interface Call {
  readonly feeds: readonly (readonly [string, HostTensor])[];
  readonly end: number;
}

const now = () => performance.timeOrigin + performance.now();

if (parentPort) {
  const port = parentPort;
  const clock = new Int32Array(new SharedArrayBuffer(4));
  port.on('message', ({ feeds, end }: Call) => {
    const bytes = feeds.reduce((sum, [, { data }]) => sum + unshared(data).byteLength, 0);
    // Blocks the thread, as `session.run` does.
    const left = end - now();
    if (left > 0) Atomics.wait(clock, 0, 0, left);
    port.postMessage(bytes);
  });
}
