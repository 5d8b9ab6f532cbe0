/** A worker thread that makes the batches it is asked for, in the order of asking, in the memory that comes with the order. */
import { workerData } from 'node:worker_threads';
import { answerCalls } from '../../base/workerCalls';
import { openSource } from '../sources/readers';
import type { Source } from '../sources/source';
import { createSampler, fillBatch } from './batch';
import type { Slot } from './memory';
import type { BatchOptions, BrokenImage } from './options';
import type { Draw, Sampler } from './sampler';
import { openUnlabelled, type Unlabelled } from './unlabelled';

/** A step to make, and where. */
export interface Request {
  readonly step: number;
  readonly slot: Slot;
}

/** What the slot holds now. */
export interface Made {
  readonly draw: Draw;
  readonly broken: readonly BrokenImage[];
}

let open: { source: Source; sampler: Sampler; unlabelled: Unlabelled | undefined } | undefined;

/** null: nobody waits for it any more. */
async function make({ step, slot }: Request, isClosing: () => boolean): Promise<Made | null> {
  // Sources in memory never wait, so give a request to finish its turn.
  await new Promise(setImmediate);
  if (isClosing()) return null;
  const options = workerData as BatchOptions;
  if (open === undefined) {
    const source = await openSource(options.spec, options.split, options.labels ? 'needed' : 'optional');
    const unlabelled = await openUnlabelled(options, source);
    open = { source, sampler: createSampler(source, options), unlabelled };
  }
  const { source, sampler, unlabelled } = open;
  const { draw, broken } = await fillBatch(source, options, sampler.draw(step), slot);
  const skipped = unlabelled ? await unlabelled.fill(step, slot) : [];
  return { draw, broken: [...broken, ...skipped] };
}

answerCalls(make, () => {
  open?.source.close();
  open?.unlabelled?.close();
});
