/** The main thread's handle on the thread that owns a model's session. */
import { threadFile } from '../base/build';
import { WorkerCalls } from '../base/workerCalls';
import type { SessionSettings } from '../runtime/providers';
import { inOwnMemory, type HostTensor } from '../tensors/dtype';
import type { Entries, ModelInfo, Request, Setup } from './modelWorker';

export type Tensors = ReadonlyMap<string, HostTensor>;

export class ModelThread {
  private readonly thread: WorkerCalls<Request, ModelInfo | Entries>;

  private constructor(file: string, settings: SessionSettings) {
    const setup: Setup = { file, settings };
    this.thread = new WorkerCalls(threadFile('src/inference/modelWorker.js'), setup, "the model's thread");
  }

  /** Loads the model of `file`. UserError where it does not load. */
  static async open(
    file: string,
    settings: SessionSettings,
  ): Promise<{ thread: ModelThread; info: ModelInfo }> {
    const thread = new ModelThread(file, settings);
    try {
      return { thread, info: (await thread.thread.call('load')) as ModelInfo };
    } catch (error) {
      await thread.close();
      throw error;
    }
  }

  /** Whether the thread ended. */
  get hasEnded(): boolean {
    return this.thread.hasEnded;
  }

  /**
   * Feeds every input by name, answers with every output. The memory of `feeds` is moved, that of parts of larger arrays copied.
   * UserError where the runtime refuses.
   */
  async run(feeds: Tensors): Promise<Tensors> {
    const entries = [...feeds].map(([name, tensor]) => [name, inOwnMemory(tensor)] as const);
    const buffers = new Set(entries.map(([, { data }]) => data.buffer as ArrayBuffer));
    return new Map((await this.thread.call(entries, [...buffers])) as Entries);
  }

  /** Releases the session after what is running, and ends the thread. */
  close(): Promise<void> {
    return this.thread.close();
  }
}
