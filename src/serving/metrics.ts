/** What Prometheus reads at /metrics. */
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { BatchRun } from './models/batcher';
import type { ServedModel } from './models/servedModel';

/** `http`: at no address of the protocol or of images */
export type Protocol = 'rest' | 'grpc' | 'image' | 'http';

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const ROWS = [1, 2, 4, 8, 16, 32, 64, 128];

export class Metrics {
  readonly registry = new Registry();
  private readonly registers = [this.registry];
  private readonly requests = new Counter({
    name: 'selfie_requests_total',
    help: 'Inference requests by the HTTP status of their answer.',
    labelNames: ['model', 'protocol', 'status'] as const,
    registers: this.registers,
  });
  private readonly seconds = new Histogram({
    name: 'selfie_request_seconds',
    help: 'From the parsed request to its result.',
    labelNames: ['model', 'protocol'] as const,
    buckets: SECONDS,
    registers: this.registers,
  });
  private readonly queueSeconds = new Histogram({
    name: 'selfie_queue_seconds',
    help: 'What a request waited for the model and for others to share a batch.',
    labelNames: ['model', 'version'] as const,
    buckets: SECONDS,
    registers: this.registers,
  });
  private readonly modelSeconds = new Histogram({
    name: 'selfie_model_seconds',
    help: 'One call of the model.',
    labelNames: ['model', 'version'] as const,
    buckets: SECONDS,
    registers: this.registers,
  });
  private readonly batchRows = new Histogram({
    name: 'selfie_batch_rows',
    help: 'Rows in one call of the model.',
    labelNames: ['model', 'version'] as const,
    buckets: ROWS,
    registers: this.registers,
  });
  private readonly batchRequests = new Histogram({
    name: 'selfie_batch_requests',
    help: 'Requests in one call of the model.',
    labelNames: ['model', 'version'] as const,
    buckets: ROWS,
    registers: this.registers,
  });

  /** `waiting` is asked at every reading. */
  constructor(waiting: () => readonly { readonly model: ServedModel; readonly waiting: number }[]) {
    new Gauge({
      name: 'selfie_waiting_requests',
      help: 'Requests in the queue of a model.',
      labelNames: ['model', 'version'] as const,
      registers: this.registers,
      collect() {
        this.reset();
        for (const { model, waiting: count } of waiting())
          this.set({ model: model.name, version: model.version }, count);
      },
    });
  }

  observeRequest(protocol: Protocol, model: string, status: number, seconds: number): void {
    this.requests.inc({ model, protocol, status });
    if (status === 200) this.seconds.observe({ model, protocol }, seconds);
  }

  observeBatch({ name: model, version }: ServedModel, run: BatchRun): void {
    const labels = { model, version };
    this.modelSeconds.observe(labels, run.seconds.infer);
    this.batchRows.observe(labels, run.rows);
    this.batchRequests.observe(labels, run.requests);
    for (const waited of run.waited) this.queueSeconds.observe(labels, waited);
  }
}
