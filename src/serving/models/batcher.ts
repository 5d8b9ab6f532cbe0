/** Requests that wait for one model, and the batches that are made of them. */
import { allocate, type HostTensor } from '../../tensors/dtype';
import type { Tensors } from '../../inference/modelThread';
import { RequestError } from '../protocol/requestError';

export interface BatchSettings {
  /** rows at once; 0: requests are never put together */
  readonly maxBatch: number;
  /** milliseconds that a request may wait for others while the model has nothing to do */
  readonly delay: number;
  /** requests that may wait */
  readonly maxQueue: number;
  /** bytes that they may have together; a request alone may have more */
  readonly maxQueueBytes: number;
}

/** One call of the model, for the metrics. */
export interface BatchRun {
  readonly requests: number;
  readonly rows: number;
  /** of putting them together, of the call, and of taking the outputs apart */
  readonly seconds: { readonly input: number; readonly infer: number; readonly output: number };
  /** that each request waited before it */
  readonly waited: readonly number[];
}

interface Job {
  readonly inputs: Tensors;
  readonly rows: number;
  readonly bytes: number;
  /** what must be equal in one batch */
  readonly form: string;
  readonly arrived: number;
  readonly resolve: (outputs: Tensors) => void;
  readonly reject: (error: unknown) => void;
}

export class Batcher {
  private queue: Job[] = [];
  /** of the queue */
  private bytes = 0;
  private running = false;
  private timer: NodeJS.Timeout | undefined;

  /** `run` gets memory of its own and is called once at a time. */
  constructor(
    private readonly run: (inputs: Tensors) => Promise<Tensors>,
    private readonly settings: BatchSettings,
    private readonly observe: (run: BatchRun) => void,
  ) {}

  /** Requests that wait, without those in the model. */
  get waiting(): number {
    return this.queue.length;
  }

  /** The outputs for these inputs alone. RequestError where too many wait; otherwise what `run` throws. */
  async infer(inputs: Tensors): Promise<Tensors> {
    if (this.queue.length >= this.settings.maxQueue)
      throw new RequestError(
        'queueFull',
        `${this.queue.length} requests wait already, and no more are taken; try again later (the server's --max-queue)`,
      );
    const bytes = [...inputs.values()].reduce((sum, { data }) => sum + data.byteLength, 0);
    if (this.queue.length > 0 && this.bytes + bytes > this.settings.maxQueueBytes)
      throw new RequestError(
        'queueFull',
        `${this.bytes} bytes of requests wait already, and ${bytes} more are too many; try again later`,
      );
    const batches = this.settings.maxBatch > 0;
    return new Promise((resolve, reject) => {
      const entries = [...inputs];
      const form = entries.map(([name, { shape }]) => `${name} ${shape.slice(1).join()}`).join(';');
      const rows = batches ? (entries[0]?.[1].shape[0] ?? 1) : 1;
      this.bytes += bytes;
      this.queue.push({ inputs, rows, bytes, form, arrived: performance.now(), resolve, reject });
      this.schedule();
    });
  }

  /** Starts a batch where one is due, or makes sure that it starts when it is. */
  private schedule(): void {
    clearTimeout(this.timer);
    if (this.running || this.queue.length === 0) return;
    const { jobs, full } = this.nextBatch();
    const patience = this.settings.delay - (performance.now() - jobs[0].arrived);
    if (!full && patience > 0) {
      this.timer = setTimeout(() => this.schedule(), patience);
      return;
    }
    this.queue = this.queue.filter((job) => !jobs.includes(job));
    this.bytes -= jobs.reduce((sum, job) => sum + job.bytes, 0);
    this.running = true;
    void this.runBatch(jobs).finally(() => {
      this.running = false;
      this.schedule();
    });
  }

  /** The oldest request and those of its form that fit, in their order. `full`: waiting longer brings nothing. */
  private nextBatch(): { jobs: Job[]; full: boolean } {
    const [first] = this.queue;
    const { maxBatch } = this.settings;
    if (maxBatch === 0) return { jobs: [first], full: true };
    const jobs: Job[] = [];
    let rows = 0;
    for (const job of this.queue) {
      if (job.form !== first.form) continue;
      if (rows + job.rows > maxBatch) return { jobs, full: true };
      jobs.push(job);
      rows += job.rows;
    }
    return { jobs, full: rows === maxBatch };
  }

  private async runBatch(jobs: readonly Job[]): Promise<void> {
    const start = performance.now();
    const times = { called: start, returned: start };
    try {
      const inputs = concatenate(jobs);
      times.called = times.returned = performance.now();
      const outputs = await this.run(inputs);
      times.returned = performance.now();
      const answers = split(outputs, jobs);
      jobs.forEach(({ resolve }, i) => resolve(answers[i]));
    } catch (error) {
      if (jobs.length === 1) {
        jobs[0].reject(error);
      } else {
        // What one request broke must not be the others' error.
        for (const job of jobs) await this.runBatch([job]);
        return;
      }
    }
    this.observe({
      requests: jobs.length,
      rows: jobs.reduce((sum, { rows }) => sum + rows, 0),
      seconds: {
        input: (times.called - start) / 1000,
        infer: (times.returned - times.called) / 1000,
        output: (performance.now() - times.returned) / 1000,
      },
      waited: jobs.map(({ arrived }) => (start - arrived) / 1000),
    });
  }
}

/** The jobs' inputs one after another along the first axis, in fresh memory. */
function concatenate(jobs: readonly Job[]): Tensors {
  const [first] = jobs;
  return new Map(
    [...first.inputs].map(([name, { dtype, shape }]) => {
      const parts = jobs.map(({ inputs }) => inputs.get(name) as HostTensor);
      const data = allocate(
        dtype,
        parts.reduce((sum, part) => sum + part.data.length, 0),
      );
      let at = 0;
      for (const part of parts) {
        data.set(part.data as never, at);
        at += part.data.length;
      }
      const rows =
        jobs.length === 1 ? shape : [jobs.reduce((sum, job) => sum + job.rows, 0), ...shape.slice(1)];
      return [name, { dtype, shape: rows, data }];
    }),
  );
}

/** The outputs of each job: its rows. */
function split(outputs: Tensors, jobs: readonly Job[]): Tensors[] {
  if (jobs.length === 1) return [outputs];
  const total = jobs.reduce((sum, { rows }) => sum + rows, 0);
  let from = 0;
  return jobs.map(({ rows }) => {
    const to = from + rows;
    const part = new Map<string, HostTensor>();
    for (const [name, { dtype, shape, data }] of outputs) {
      if (shape[0] !== total) throw new Error(`${name} has ${shape[0]} rows for a batch of ${total}`);
      const each = data.length / total;
      part.set(name, { dtype, shape: [rows, ...shape.slice(1)], data: data.slice(from * each, to * each) });
    }
    from = to;
    return part;
  });
}
