/** What both protocols and the image addresses ask: is it there, what is it, compute this. */
import { version as packageVersion } from '../../package.json';
import { dataTypeName } from './dataTypes';
import { protocolShape } from './checkInputs';
import type { Metrics, Protocol } from './metrics';
import type { Models } from './models';
import type { Tensors } from '../inference/modelThread';
import { asRequestError, RequestError } from './requestError';
import type { ServedModel } from './servedModel';

export interface Inferred {
  readonly model: string;
  readonly version: string;
  readonly outputs: Tensors;
}

export const SERVER_METADATA = {
  name: 'selfie-onnx',
  version: packageVersion,
  extensions: ['binary_tensor_data'],
} as const;

export class Service {
  /** since the start */
  answered = 0;
  refused = 0;
  private stopping = false;

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

  /** The protocol's description of a version, or of the newest. RequestError where it is not served. */
  modelMetadata(name: string, version?: string) {
    const { info, platform } = this.models.find(name, version);
    const describe = (port: (typeof info.inputs)[number]) => ({
      name: port.name,
      datatype: dataTypeName(port.dtype),
      shape: protocolShape(port),
    });
    return {
      name,
      versions: this.models.versions(name),
      platform,
      inputs: info.inputs.map(describe),
      outputs: info.outputs.map(describe),
    };
  }

  /** RequestError once `stop` was called. */
  private requireRunning(): void {
    if (this.stopping)
      throw new RequestError(
        'unavailable',
        'the server is shutting down; send this to another or try again later',
      );
  }

  /** `body` for a request that needs no model of the repository. RequestError once `stop` was called. */
  async refuseWhenStopping<T>(body: () => Promise<T>): Promise<T> {
    this.requireRunning();
    return body();
  }

  /** `body` with a model that stays loaded, as one request of the metrics. Any error becomes a RequestError. */
  async count<T>(
    protocol: Protocol,
    name: string,
    version: string | undefined,
    body: (model: ServedModel) => Promise<T>,
  ): Promise<T> {
    const start = performance.now();
    const finish = (status: number, known: boolean) => {
      // Names that nobody serves come from outside and would grow the metrics without end.
      const model = known ? name : 'unknown';
      this.metrics.observeRequest(protocol, model, status, (performance.now() - start) / 1000);
    };
    try {
      this.requireRunning();
      const result = await this.models.use(name, version, body);
      this.answered++;
      finish(200, true);
      return result;
    } catch (error) {
      const refusal = asRequestError(error, this.warn);
      this.refused++;
      finish(refusal.http, this.models.names.includes(name));
      throw refusal;
    }
  }
}
