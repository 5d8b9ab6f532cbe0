/** The loader: batches in order, made ahead of their use by worker threads. */
import { threadFile } from '../../base/build';
import { UserError } from '../../base/errors';
import { WorkerCalls } from '../../base/workerCalls';
import { createSampler } from './batch';
import type { Batch, BatchOptions } from './options';
import { checkSource } from './checkSource';
import type { Made, Request } from './decodeWorker';
import { BatchMemory } from './memory';
import { type Source } from '../sources/source';
import { openSource } from '../sources/readers';
import { openUnlabelled } from './unlabelled';

export interface LoaderOptions extends BatchOptions {
  /** first step to deliver, default 0; a run continued at a step sees what the undisturbed run sees from there on */
  readonly startStep?: number;
  /** worker threads; default 2 for sources that are decoded, otherwise 1. Batches do not depend on it */
  readonly workers?: number;
  /** batches made ahead in all, default 2 a worker */
  readonly prefetch?: number;
  /** steps whose arrays lie behind one another in memory, for a call that takes so many at once; default 1 */
  readonly block?: number;
}

/**
 * Batches in order of steps: endless in training, one pass in evaluation. Close it, or leave a `for await` over it.
 * `next()` throws a UserError for an image that cannot be read, in its turn, and for a thread that broke, at once; either
 * closes the loader.
 */
export interface Loader extends AsyncIterableIterator<Batch> {
  readonly source: Pick<Source, 'name' | 'split' | 'length' | 'classes'>;
  /** in training full batches an epoch, in evaluation all batches */
  readonly stepsPerEpoch: number;
  /**
   * Gives the memory of batches back for later ones; their arrays must not be used from then on. Batches that are never
   * given back keep memory of their own.
   */
  release(batches: Iterable<Batch>): void;
  /** Ends the threads; pending and later `next()` give `done`. */
  close(): Promise<void>;
}

/** A batch that was asked for; null: the loader was closed first. */
class Order {
  settle!: (batch: Batch | null) => void;
  fail!: (error: Error) => void;
  readonly result = new Promise<Batch | null>((resolve, reject) => {
    this.settle = resolve;
    this.fail = reject;
  });

  constructor() {
    // An order may fail before anyone waits for it; whoever takes it still gets the error.
    this.result.catch(() => undefined);
  }
}

class WorkerLoader implements Loader {
  private readonly threads: readonly WorkerCalls<Request, Made | null>[];
  private readonly memory: BatchMemory;
  private readonly orders = new Map<number, Order>();
  private nextStep: number;
  private ordered: number;
  private closing: Promise<void> | undefined;
  private failure: Error | undefined;

  constructor(
    readonly source: Loader['source'],
    readonly stepsPerEpoch: number,
    private readonly endStep: number,
    private readonly prefetch: number,
    workers: number,
    options: LoaderOptions,
  ) {
    this.nextStep = this.ordered = options.startStep ?? 0;
    this.memory = new BatchMemory(options, options.block ?? 1);
    const program = threadFile('src/data/batches/decodeWorker.js');
    this.threads = Array.from(
      { length: workers },
      () => new WorkerCalls<Request, Made | null>(program, options, 'it', (cause) => this.fail(cause)),
    );
    this.orderAhead();
  }

  /** A thread broke: nothing that was asked for can be relied on. */
  private fail(cause: Error): Error {
    const reason = cause.message.replace(/\s+/g, ' ').trim();
    const error = new UserError(
      `a thread that reads ${this.source.name} broke: ${reason}; ` +
        'if memory is short, take fewer workers or a smaller batch',
      { cause },
    );
    this.failure ??= error;
    for (const order of this.orders.values()) order.fail(this.failure);
    return this.failure;
  }

  /** Keeps `prefetch` steps on order, each with the thread that has least to do. */
  private orderAhead(least = 0): void {
    if (this.closing !== undefined) return;
    const end = Math.min(this.endStep, Math.max(least, this.nextStep + this.prefetch));
    for (; this.ordered < end; this.ordered++) {
      const step = this.ordered;
      const slot = this.memory.slot(step);
      const order = new Order();
      this.orders.set(step, order);
      const thread = this.threads.reduce((idle, other) => (other.pending < idle.pending ? other : idle));
      thread
        .call({ step, slot })
        .then(
          (made) => order.settle(made && { step, ...made.draw, broken: made.broken, ...slot }),
          order.fail,
        );
    }
  }

  private async take(step: number): Promise<Batch | null> {
    if (this.failure !== undefined) throw this.failure;
    const order = this.orders.get(step);
    if (order === undefined) throw new Error(`step ${step} was not ordered`);
    const batch = await order.result;
    this.orders.delete(step);
    return batch;
  }

  async next(): Promise<IteratorResult<Batch>> {
    if (this.closing === undefined && this.nextStep < this.endStep) {
      const step = this.nextStep++;
      // Waking a thread takes longer than handing over a batch that is ready, so that comes after it.
      if (step < this.ordered) setImmediate(() => this.orderAhead());
      else this.orderAhead(step + 1);
      try {
        const batch = await this.take(step);
        if (batch !== null) return { done: false, value: batch };
      } catch (error) {
        await this.close();
        throw error;
      }
    }
    await this.close();
    return { done: true, value: undefined };
  }

  async return(): Promise<IteratorResult<Batch>> {
    await this.close();
    return { done: true, value: undefined };
  }

  release(batches: Iterable<Batch>): void {
    for (const batch of batches) this.memory.release(batch);
  }

  close(): Promise<void> {
    this.closing ??= this.stop();
    return this.closing;
  }

  private async stop(): Promise<void> {
    for (const order of this.orders.values()) order.settle(null);
    this.orders.clear();
    // Asked to finish, not terminated: libvips may be decoding for the thread at this moment.
    await Promise.all(this.threads.map((thread) => thread.close()));
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}

/**
 * Opens the data and starts the threads. The bytes of every batch depend on the options of `BatchOptions` and the step
 * alone. Call it on the main thread: sharp must be loaded there before a worker loads it.
 * @throws UserError where the data is not there, damaged, or does not fit the graph. `next()` says what goes wrong later.
 */
export async function createLoader(options: LoaderOptions): Promise<Loader> {
  const source = await openSource(options.spec, options.split, options.labels ? 'needed' : 'optional');
  try {
    checkSource(source, options);
    (await openUnlabelled(options, source))?.close();
    const { stepsPerEpoch } = createSampler(source, options);
    const workers = options.workers ?? (source.kind === 'encoded' || source.resizable ? 2 : 1);
    const end = options.mode === 'train' ? Infinity : stepsPerEpoch;
    const { name, split, length, classes } = source;
    const shown = { name, split, length, classes };
    return new WorkerLoader(shown, stepsPerEpoch, end, options.prefetch ?? 2 * workers, workers, options);
  } finally {
    source.close();
  }
}
