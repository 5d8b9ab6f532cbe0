/** The loader: batches in order, made ahead of their use by worker threads. */
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import { UserError } from '../errors';
import { type Batch, type BatchOptions, checkSource, createSampler } from './batch';
import type { Reply, Request } from './decodeWorker';
import { openSource, type Source } from './source';

export type { Batch, BatchOptions } from './batch';

export interface LoaderOptions extends BatchOptions {
  /** first step to deliver, default 0; a run continued at a step sees what the undisturbed run sees from there on */
  readonly startStep?: number;
  /** worker threads; default 2 for sources that are decoded, otherwise 1. Batches do not depend on it */
  readonly workers?: number;
  /** batches made ahead in all, default 2 a worker */
  readonly prefetch?: number;
}

/** Batches in order of steps: endless in training, one pass in evaluation. Close it, or leave a `for await` over it. */
export interface Loader extends AsyncIterableIterator<Batch> {
  readonly source: Pick<Source, 'name' | 'split' | 'length' | 'classes'>;
  /** in training full batches an epoch, in evaluation all batches */
  readonly stepsPerEpoch: number;
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
  private readonly threads: readonly Worker[];
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
    this.threads = Array.from(
      { length: workers },
      () => new Worker(path.join(__dirname, 'decodeWorker.js'), { workerData: options }),
    );
    this.exits = this.threads.map((thread) => this.watch(thread));
    this.orderAhead();
  }

  /** Resolves when the thread is gone. */
  private watch(thread: Worker): Promise<void> {
    thread.on('message', (reply: Reply) => this.receive(reply));
    thread.on('error', (error: Error) => this.fail(error));
    return new Promise((resolve) => {
      thread.on('exit', (code) => {
        if (this.closing === undefined) this.fail(new Error(`a decode thread ended with code ${code}`));
        resolve();
      });
    });
  }

  private receive(reply: Reply): void {
    if ('batch' in reply) {
      this.orders.get(reply.batch.step)?.settle(reply.batch);
      return;
    }
    const error = reply.user ? new UserError(reply.error) : new Error(reply.error);
    if (!reply.user) error.stack = reply.stack;
    this.orders.get(reply.step)?.fail(error);
  }

  /** A thread broke: nothing that was asked for can be relied on. */
  private fail(error: Error): void {
    this.failure ??= error;
    for (const order of this.orders.values()) order.fail(error);
  }

  /** Keeps `prefetch` steps on order, round robin over the threads. */
  private orderAhead(): void {
    const end = Math.min(this.endStep, this.nextStep + this.prefetch);
    for (; this.ordered < end; this.ordered++) {
      this.orders.set(this.ordered, new Order());
      const request: Request = this.ordered;
      this.threads[this.ordered % this.threads.length].postMessage(request);
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
      this.orderAhead();
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

  close(): Promise<void> {
    this.closing ??= this.stop();
    return this.closing;
  }

  private async stop(): Promise<void> {
    // Asked to finish, not terminated: libvips may be decoding for the thread at this moment.
    for (const thread of this.threads) thread.postMessage(null satisfies Request);
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
 * @throws UserError where the data is not there, damaged, or does not fit the graph. An image that turns out broken rejects
 * the `next()` of its batch and closes the loader.
 */
export async function createLoader(options: LoaderOptions): Promise<Loader> {
  const source = await openSource(options.spec, options.split);
  try {
    checkSource(source, options);
    const { stepsPerEpoch } = createSampler(source, options);
    const workers = options.workers ?? (source.kind === 'encoded' ? 2 : 1);
    const end = options.mode === 'train' ? Infinity : stepsPerEpoch;
    const { name, split, length, classes } = source;
    const shown = { name, split, length, classes };
    return new WorkerLoader(shown, stepsPerEpoch, end, options.prefetch ?? 2 * workers, workers, options);
  } finally {
    source.close();
  }
}
