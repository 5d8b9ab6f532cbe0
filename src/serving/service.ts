/** What both protocols and the image addresses ask: is it there, what is it, compute this. */
import { version as packageVersion } from '../../package.json';
import { Codec } from './protocol/codec';
import type { Metrics, Protocol } from './metrics';
import type { Models } from './models/models';
import { asRequestError, RequestError } from './protocol/requestError';
import type { ServedModel } from './models/servedModel';

const UNKNOWN = 'unknown';

export const SERVER_METADATA = {
  name: 'selfie-onnx',
  version: packageVersion,
  extensions: [
    'binary_tensor_data',
    'classification',
    'model_configuration',
    'model_repository',
    'parameters',
    'statistics',
  ],
} as const;

export class Service {
  /** since the start */
  answered = 0;
  refused = 0;
  readonly codec = new Codec();
  private stopping = false;
  /** errors of requests that the metrics have */
  private readonly counted = new WeakSet();

  constructor(
    readonly models: Models,
    readonly metrics: Metrics,
    private readonly warn: (line: string) => void,
  ) {}

  get isReady(): boolean {
    return !this.stopping && this.models.isReady;
  }

  get isStopping(): boolean {
    return this.stopping;
  }

  /** From now on no request is accepted. */
  stop(): void {
    this.stopping = true;
  }

  /** Whether that version, or the newest, would answer. RequestError for an unknown one. */
  isModelReady(name: string, version?: string): boolean {
    try {
      this.models.find(name, version);
      return !this.stopping;
    } catch (error) {
      if (error instanceof RequestError && error.reason === 'unavailable') return false;
      throw error;
    }
  }

  /** RequestError once `stop` was called. */
  private requireRunning(): void {
    if (this.stopping)
      throw new RequestError(
        'unavailable',
        'the server is shutting down; send this to another or try again later',
      );
  }

  /** `body` with a model that stays loaded, as one request of the metrics. Any error becomes a RequestError. */
  count<T>(
    protocol: Protocol,
    name: string,
    version: string | undefined,
    body: (model: ServedModel) => Promise<T>,
  ): Promise<T> {
    let used: ServedModel | undefined;
    const finish = (status: number, seconds: number) => {
      used?.statistics.observeRequest(status === 200, seconds);
      // Names that nobody serves come from outside and would grow the metrics without end.
      const model = this.models.names.includes(name) ? name : UNKNOWN;
      this.metrics.observeRequest(protocol, model, status, seconds);
    };
    return this.measure(finish, () =>
      this.models.use(name, version, (model) => {
        used = model;
        return body(model);
      }),
    );
  }

  /** `body` for a request that needs no model of the repository, as one of the metrics. Errors as `count`. */
  countOther<T>(protocol: Protocol, label: string, body: () => Promise<T>): Promise<T> {
    const finish = (status: number, seconds: number) =>
      this.metrics.observeRequest(protocol, label, status, seconds);
    return this.measure(finish, body);
  }

  private async measure<T>(
    finish: (status: number, seconds: number) => void,
    body: () => Promise<T>,
  ): Promise<T> {
    const start = performance.now();
    const seconds = () => (performance.now() - start) / 1000;
    try {
      this.requireRunning();
      const result = await body();
      this.answered++;
      finish(200, seconds());
      return result;
    } catch (error) {
      const refusal = asRequestError(error, this.warn);
      this.refused++;
      finish(refusal.http, seconds());
      this.counted.add(refusal);
      throw refusal;
    }
  }

  /** Counts a request that was refused before `count` could: it was too large, cut off, or no request at all. */
  countRefusal(protocol: Protocol, status: number, error?: object): void {
    if (error && this.counted.has(error)) return;
    this.refused++;
    this.metrics.observeRequest(protocol, UNKNOWN, status, 0);
  }
}
