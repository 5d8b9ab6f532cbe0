/** Calls to a worker thread: requests and answers by number, errors as what they were in the thread. */
import { parentPort, Worker, type ResourceLimits, type Transferable } from 'node:worker_threads';
import { UserError } from './errors';

/** null: finish. */
type Message<Request> = { readonly id: number; readonly request: Request } | null;

type Reply<Answer> =
  | { readonly id: number; readonly answer: Answer }
  | { readonly id: number; readonly error: string; readonly user: boolean; readonly stack?: string };

interface Waiting<Answer> {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: Error) => void;
}

/** The caller's side. */
export class WorkerCalls<Request, Answer> {
  private readonly worker: Worker;
  private readonly waiting = new Map<number, Waiting<Answer>>();
  private readonly exited: Promise<void>;
  private nextId = 0;
  private failure: Error | null = null;

  /**
   * Starts the thread of `program`, which answers by `answerCalls`. `what` names the thread in errors; where it breaks, what
   * waits and comes later is refused with the error of `broken`.
   */
  constructor(
    program: string,
    workerData: unknown,
    what: string,
    private readonly broken: (cause: Error) => Error = (cause) => cause,
    /** `idle`: a thread that has nothing to do does not keep the process */
    private readonly options: { readonly resourceLimits?: ResourceLimits; readonly idle?: boolean } = {},
  ) {
    this.worker = new Worker(program, { workerData, resourceLimits: options.resourceLimits });
    if (options.idle) this.worker.unref();
    this.worker.on('message', (reply: Reply<Answer>) => this.receive(reply));
    this.worker.on('error', (error) => this.fail(error instanceof Error ? error : new Error(String(error))));
    this.exited = new Promise((resolve) => {
      this.worker.once('exit', (code) => {
        this.fail(new Error(`${what} ended with code ${code}`));
        resolve();
      });
    });
  }

  /** Whether the thread ended, or broke. */
  get hasEnded(): boolean {
    return this.failure !== null;
  }

  /** requests without an answer */
  get pending(): number {
    return this.waiting.size;
  }

  /** Answers come in the order of asking. The memory in `moved` is the thread's from then on. */
  call(request: Request, moved: readonly Transferable[] = []): Promise<Answer> {
    return new Promise((resolve, reject) => {
      if (this.failure) {
        reject(this.failure);
        return;
      }
      const id = this.nextId++;
      this.waiting.set(id, { resolve, reject });
      this.worker.ref();
      this.worker.postMessage({ id, request } satisfies Message<Request>, moved);
    });
  }

  /** Asks the thread to finish what it was asked before, and waits for its end. */
  async close(): Promise<void> {
    if (!this.failure) this.worker.postMessage(null satisfies Message<Request>);
    await this.exited;
  }

  /** Ends the thread whatever JavaScript it is at; what waits is refused. A thread that is in the runtime's native code cannot be ended so. */
  async terminate(): Promise<void> {
    await this.worker.terminate();
  }

  private receive(reply: Reply<Answer>): void {
    const waiting = this.waiting.get(reply.id);
    this.waiting.delete(reply.id);
    if (this.options.idle && this.waiting.size === 0) this.worker.unref();
    if ('answer' in reply) {
      waiting?.resolve(reply.answer);
      return;
    }
    const error = reply.user ? new UserError(reply.error) : new Error(reply.error);
    if (!reply.user) error.stack = reply.stack;
    waiting?.reject(error);
  }

  private fail(cause: Error): void {
    this.failure ??= this.broken(cause);
    for (const { reject } of this.waiting.values()) reject(this.failure);
    this.waiting.clear();
  }
}

/**
 * The thread's side: answers one request after the other. `close` runs at the end; from the moment that the caller asks for
 * it, `isClosing` holds, so that what nobody waits for any more can be left out. `moved` names the memory of an answer that is
 * the caller's from then on; other memory is copied.
 */
export function answerCalls<Answer>(
  answer: (request: never, isClosing: () => boolean) => Answer,
  close: () => Promise<void> | void = () => {},
  moved: (answer: Awaited<Answer>) => readonly Transferable[] = () => [],
): void {
  // Loaded for its types or by a test, not as a thread.
  if (parentPort === null) return;
  const port = parentPort;
  let closing = false;
  let queue = Promise.resolve();
  const reply = async (id: number, request: never): Promise<Reply<Awaited<Answer>>> => {
    try {
      return { id, answer: await answer(request, () => closing) };
    } catch (thrown) {
      const error = thrown instanceof Error ? thrown : new Error(String(thrown));
      return { id, error: error.message, user: error instanceof UserError, stack: error.stack };
    }
  };
  port.on('message', (message: Message<never>) => {
    closing ||= message === null;
    queue = queue.then(async () => {
      if (message !== null) {
        const made = await reply(message.id, message.request);
        port.postMessage(made, 'answer' in made ? moved(made.answer) : []);
        return;
      }
      await close();
      port.close();
    });
  });
}
