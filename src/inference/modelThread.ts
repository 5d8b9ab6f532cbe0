/** The main thread's handle on the thread that owns a model's session. */
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import { UserError } from '../base/errors';
import type { HostTensor } from '../tensors/dtype';
import type { SessionSettings } from '../runtime/session';
import { LOADING, type ModelInfo, type Reply, type Request, type Setup } from './modelWorker';

export type Tensors = ReadonlyMap<string, HostTensor>;

interface Waiting {
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: Error) => void;
}

export class ModelThread {
  private readonly worker: Worker;
  private readonly waiting = new Map<number, Waiting>();
  private readonly ended: Promise<void>;
  private nextId = 0;
  private failure: Error | null = null;

  private constructor(file: string, settings: SessionSettings) {
    const workerData: Setup = { file, settings };
    this.worker = new Worker(path.join(__dirname, 'modelWorker.js'), { workerData });
    this.worker.on('message', (reply: Reply) => this.receive(reply));
    this.worker.on('error', (error) => this.fail(error));
    this.ended = new Promise((resolve) => {
      this.worker.once('exit', (code) => {
        this.fail(new Error(`the model's thread ended with code ${code}`));
        resolve();
      });
    });
  }

  /** Loads the model of `file`. UserError where it does not load. */
  static async open(
    file: string,
    settings: SessionSettings,
  ): Promise<{ thread: ModelThread; info: ModelInfo }> {
    const thread = new ModelThread(file, settings);
    try {
      const reply = await thread.wait(LOADING);
      if (!('info' in reply)) throw new Error('the thread says nothing of its model');
      return { thread, info: reply.info };
    } catch (error) {
      await thread.close();
      throw error;
    }
  }

  /** Whether the thread ended. */
  get hasEnded(): boolean {
    return this.failure !== null;
  }

  /** Feeds every input by name, answers with every output. The memory of `feeds` is moved. UserError where the runtime refuses. */
  async run(feeds: Tensors): Promise<Tensors> {
    if (this.failure) throw this.failure;
    const id = this.nextId++;
    const answer = this.wait(id);
    const entries = [...feeds];
    const buffers = new Set(entries.map(([, { data }]) => data.buffer as ArrayBuffer));
    this.worker.postMessage({ id, feeds: entries } satisfies Request, [...buffers]);
    const reply = await answer;
    if (!('outputs' in reply)) throw new Error('the thread gave no outputs');
    return new Map(reply.outputs);
  }

  /** Releases the session after what is running, and ends the thread. */
  async close(): Promise<void> {
    this.worker.postMessage(null satisfies Request);
    await this.ended;
  }

  private wait(id: number): Promise<Reply> {
    return new Promise((resolve, reject) => this.waiting.set(id, { resolve, reject }));
  }

  private receive(reply: Reply): void {
    const waiting = this.waiting.get(reply.id);
    this.waiting.delete(reply.id);
    if ('error' in reply) waiting?.reject(reply.user ? new UserError(reply.error) : new Error(reply.error));
    else waiting?.resolve(reply);
  }

  private fail(error: Error): void {
    this.failure ??= error;
    for (const { reject } of this.waiting.values()) reject(this.failure);
    this.waiting.clear();
  }
}
