/** A worker thread that makes the batches it is asked for, in the order of asking, in the memory that comes with the order. */
import { parentPort, workerData } from 'node:worker_threads';
import { UserError } from '../../base/errors';
import { createSampler, fillBatch } from './batch';
import type { BatchOptions, BrokenImage } from './options';
import type { Slot } from './memory';
import type { Draw, Sampler } from './sampler';
import { type Source } from '../sources/source';
import { openSource } from '../sources/readers';
import { openUnlabelled, type Unlabelled } from './unlabelled';

/** From the loader: a step to make and where, or null: finish. */
export type Request = { readonly step: number; readonly slot: Slot } | null;

/** To the loader: what the slot holds now, or why it holds nothing. */
export type Reply =
  | { readonly step: number; readonly draw: Draw; readonly broken: readonly BrokenImage[] }
  | { readonly step: number; readonly error: string; readonly user: boolean; readonly stack?: string };

if (parentPort !== null) {
  const port = parentPort;
  const options = workerData as BatchOptions;
  const send = (reply: Reply) => port.postMessage(reply);
  let closing = false;
  let open: { source: Source; sampler: Sampler; unlabelled: Unlabelled | undefined } | undefined;

  const serve = async ({ step, slot }: NonNullable<Request>): Promise<void> => {
    // Sources in memory never wait, so give a request to finish its turn.
    await new Promise(setImmediate);
    if (closing) return;
    try {
      if (open === undefined) {
        const source = await openSource(options.spec, options.split);
        const unlabelled = await openUnlabelled(options, source);
        open = { source, sampler: createSampler(source, options), unlabelled };
      }
      const { source, sampler, unlabelled } = open;
      const { draw, broken } = await fillBatch(source, options, sampler.draw(step), slot);
      const skipped = unlabelled ? await unlabelled.fill(step, slot) : [];
      send({ step, draw, broken: [...broken, ...skipped] });
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
      open?.unlabelled?.close();
      port.close();
    });
  });
}
