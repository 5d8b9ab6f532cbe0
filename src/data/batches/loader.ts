/** The loader: batches in order, made ahead of their use by worker threads. */
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import { UserError } from '../../base/errors';
import { createSampler } from './batch';
import type { Batch, BatchOptions } from './options';
import { checkSource } from './checkSource';
import type { Reply, Request } from './decodeWorker';
import { BatchMemory, type Slot } from './memory';
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

  constructor(
    readonly slot: Slot,
    readonly thread: Thread,
  ) {
    // An order may fail before anyone waits for it; whoever takes it still gets the error.
    this.result.catch(() => undefined);
  }
}

interface Thread {
  readonly worker: Worker;
  /** orders that it has not answered */
  pending: number;
}

class WorkerLoader implements Loader {
  private readonly threads: readonly Thread[];
  private readonly memory: BatchMemory;
  private readonly exits: readonly Promise<unknown>[];
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
    this.threads = Array.from({ length: workers }, () => ({
      worker: new Worker(path.join(__dirname, 'decodeWorker.js'), { workerData: options }),
      pending: 0,
    }));
    this.exits = this.threads.map(({ worker }) => this.watch(worker));
    this.orderAhead();
  }

  /** Resolves when the thread is gone. */
  private watch(worker: Worker): Promise<void> {
    worker.on('message', (reply: Reply) => this.receive(reply));
    worker.on('error', (error) => this.fail(error instanceof Error ? error.message : String(error), error));
    return new Promise((resolve) => {
      worker.on('exit', (code) => {
        if (this.closing === undefined) this.fail(`it ended with code ${code}`);
        resolve();
      });
    });
  }

  private receive(reply: Reply): void {
    const { step } = reply;
    const order = this.orders.get(step);
    if (order === undefined) return;
    order.thread.pending--;
    if ('draw' in reply) {
      order.settle({ step, ...reply.draw, broken: reply.broken, ...order.slot });
      return;
    }
    const error = reply.user ? new UserError(reply.error) : new Error(reply.error);
    if (!reply.user) error.stack = reply.stack;
    order.fail(error);
  }

  /** A thread broke: nothing that was asked for can be relied on. */
  private fail(reason: string, cause?: unknown): void {
    this.failure ??= new UserError(
      `a thread that reads ${this.source.name} broke: ${reason.replace(/\s+/g, ' ').trim()}; ` +
        'if memory is short, take fewer workers or a smaller batch',
      { cause },
    );
    for (const order of this.orders.values()) order.fail(this.failure);
  }

  /** Keeps `prefetch` steps on order, each with the thread that has least to do. */
  private orderAhead(least = 0): void {
    if (this.closing !== undefined) return;
    const end = Math.min(this.endStep, Math.max(least, this.nextStep + this.prefetch));
    for (; this.ordered < end; this.ordered++) {
      const step = this.ordered;
      const slot = this.memory.slot(step);
      const thread = this.threads.reduce((least, other) => (other.pending < least.pending ? other : least));
      this.orders.set(step, new Order(slot, thread));
      thread.pending++;
      thread.worker.postMessage({ step, slot } satisfies Request);
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
    // Asked to finish, not terminated: libvips may be decoding for the thread at this moment.
    for (const { worker } of this.threads) worker.postMessage(null satisfies Request);
    for (const order of this.orders.values()) order.settle(null);
    this.orders.clear();
    await Promise.all(this.exits);
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
  const source = await openSource(options.spec, options.split);
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
