/** What a model has computed since it was loaded, as Triton's statistics extension counts it. */
import type { BatchRun } from './batcher';

/** How often, and how long altogether. */
class Duration {
  private count = 0;
  private seconds = 0;

  add(seconds: number, count = 1): void {
    this.count += count;
    this.seconds += seconds * count;
  }

  describe() {
    return { count: this.count, ns: Math.round(1e9 * this.seconds) };
  }
}

/** The parts of a call. */
class Computing {
  readonly input = new Duration();
  readonly infer = new Duration();
  readonly output = new Duration();

  add({ seconds }: BatchRun, count: number): void {
    this.input.add(seconds.input, count);
    this.infer.add(seconds.infer, count);
    this.output.add(seconds.output, count);
  }

  describe() {
    return {
      compute_input: this.input.describe(),
      compute_infer: this.infer.describe(),
      compute_output: this.output.describe(),
    };
  }
}

export class ModelStatistics {
  private rows = 0;
  private calls = 0;
  private last = 0;
  private readonly success = new Duration();
  private readonly fail = new Duration();
  private readonly queue = new Duration();
  private readonly computing = new Computing();
  /** by rows of a call */
  private readonly batches = new Map<number, Computing>();

  observeRequest(isAnswered: boolean, seconds: number): void {
    (isAnswered ? this.success : this.fail).add(seconds);
  }

  /** `body` as a request of it. */
  async measure<T>(body: () => Promise<T>): Promise<T> {
    const start = performance.now();
    let isAnswered = false;
    try {
      const result = await body();
      isAnswered = true;
      return result;
    } finally {
      this.observeRequest(isAnswered, (performance.now() - start) / 1000);
    }
  }

  /** What an ensemble has answered; its steps have the time. */
  observeAnswer(rows: number): void {
    this.rows += rows;
    this.calls++;
    this.last = Date.now();
  }

  observeBatch(run: BatchRun): void {
    this.rows += run.rows;
    this.calls++;
    this.last = Date.now();
    for (const seconds of run.waited) this.queue.add(seconds);
    this.computing.add(run, run.requests);
    const batch = this.batches.get(run.rows) ?? new Computing();
    this.batches.set(run.rows, batch);
    batch.add(run, 1);
  }

  /** In the protocol's words: counts of requests and of calls, milliseconds since 1970, sums of nanoseconds. */
  describe() {
    return {
      last_inference: this.last,
      inference_count: this.rows,
      execution_count: this.calls,
      inference_stats: {
        success: this.success.describe(),
        fail: this.fail.describe(),
        queue: this.queue.describe(),
        ...this.computing.describe(),
      },
      batch_stats: [...this.batches]
        .sort(([a], [b]) => a - b)
        .map(([rows, computing]) => ({ batch_size: rows, ...computing.describe() })),
    };
  }
}
