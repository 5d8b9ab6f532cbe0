/** A worker thread that makes the batches it is asked for, in the order of asking. */
import { parentPort, workerData } from 'node:worker_threads';
import { UserError } from '../errors';
import { type Batch, type BatchOptions, createSampler, makeBatch } from './batch';
import type { Sampler } from './sampler';
import { openSource, type Source } from './source';

/** From the loader: a step to make, or null: finish. */
export type Request = number | null;

/** To the loader: a batch, whose arrays it owns from then on, or why there is none. */
export type Reply =
  | { readonly batch: Batch }
  | { readonly step: number; readonly error: string; readonly user: boolean; readonly stack?: string };

if (parentPort !== null) {
  const port = parentPort;
  const options = workerData as BatchOptions;
  const send = (reply: Reply, transfer: readonly ArrayBuffer[] = []) =>
    port.postMessage(reply, [...transfer]);
  let closing = false;
  let open: { source: Source; sampler: Sampler } | undefined;

  const serve = async (step: number): Promise<void> => {
    // Sources in memory never wait, so give a request to finish its turn.
    await new Promise(setImmediate);
    if (closing) return;
    try {
      if (open === undefined) {
        const source = await openSource(options.spec, options.split);
        open = { source, sampler: createSampler(source, options) };
      }
      const batch = await makeBatch(open.source, options, step, open.sampler.draw(step));
      const arrays = [batch.images, batch.labels, batch.patch_order].filter((array) => array !== undefined);
      send(
        { batch },
        arrays.map((array) => array.buffer),
      );
    } catch (error) {
      const known = error instanceof Error ? error : new Error(String(error));
      send({ step, error: known.message, user: error instanceof UserError, stack: known.stack });
    }
  };

  let queue = Promise.resolve();
  port.on('message', (request: Request) => {
    if (request !== null) {
      queue = queue.then(() => serve(request));
      return;
    }
    closing = true;
    queue = queue.then(() => {
      open?.source.close();
      port.close();
    });
  });
}
