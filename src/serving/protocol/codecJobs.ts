/** What is done to a request's and an answer's bytes, in the main thread where they are few, in another where they are many. */
import { asBuffer } from '../../base/buffers';
import type { HostTensor } from '../../tensors/dtype';
import type { Tensors } from '../../inference/modelThread';
import { classifyOutputs, type Labels } from './classification';
import { readInferMessage, writeInferMessage, type InferMessage } from './grpcCodec';
import { inferenceMethod } from './grpcMessages';
import { boundInferMessage } from './messageBounds';
import { RequestError, type Reason } from './requestError';
import { readRestRequest, writeRestResponse, type RestRequest } from './restCodec';

/** What a model gave, and what of it is to be said. */
export interface Answer {
  readonly model: string;
  readonly version: string;
  readonly outputs: Tensors;
  /** of which outputs the so many highest values are asked for */
  readonly classes: ReadonlyMap<string, number>;
  readonly labels: Labels;
}

export interface GrpcRequest {
  readonly name: string;
  readonly version: string;
  readonly id: string;
  /** whether its tensors came, and those of the answer go, as bytes */
  readonly isRaw: boolean;
  /** an error is the model's to count */
  readonly read: Outcome<ReturnType<typeof readInferMessage>>;
}

/** A refusal as data: errors lose their class between threads. */
export type Outcome<T> =
  { readonly result: T } | { readonly refused: { readonly reason: Reason; readonly message: string } };

const inferred = ({ outputs, classes, labels, ...answer }: Answer) => ({
  ...answer,
  outputs: classifyOutputs(outputs, classes, labels),
});

export const jobs = {
  readRest: (body: Uint8Array, headerLength: string | undefined): RestRequest =>
    readRestRequest(asBuffer(body), headerLength),

  writeRest: (answer: Answer, form: Pick<RestRequest, 'id' | 'binary' | 'binaryOutputs'>) =>
    writeRestResponse(inferred(answer), form),

  readGrpc: (message: Uint8Array): GrpcRequest => {
    boundInferMessage(message);
    let decoded: InferMessage;
    try {
      decoded = inferenceMethod('ModelInfer').requestDeserialize(asBuffer(message)) as InferMessage;
    } catch {
      throw new RequestError('invalid', 'the message is no ModelInferRequest');
    }
    return {
      name: decoded.model_name,
      version: decoded.model_version,
      id: decoded.id,
      isRaw: decoded.raw_input_contents.length > 0,
      read: outcomeOf(() => readInferMessage(decoded)),
    };
  },

  /** The ModelInferResponse, in a ModelStreamInferResponse where it is one of a stream's. */
  writeGrpc: (answer: Answer, { id, isRaw, isStream }: { id: string; isRaw: boolean; isStream: boolean }) => {
    const response = writeInferMessage(inferred(answer), id, isRaw);
    const body = isStream
      ? inferenceMethod('ModelStreamInfer').responseSerialize({ infer_response: response })
      : inferenceMethod('ModelInfer').responseSerialize(response);
    return { body };
  },
};

export type Jobs = typeof jobs;
export type JobName = keyof Jobs;
export interface JobRequest {
  readonly name: JobName;
  readonly args: readonly unknown[];
}

/** The job of that name; its arguments and result are those of `jobs`. */
export const runJob = ({ name, args }: JobRequest): unknown =>
  (jobs[name] as (...given: unknown[]) => unknown)(...args);

export function outcomeOf<T>(job: () => T): Outcome<T> {
  try {
    return { result: job() };
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    return { refused: { reason: error.reason, message: error.message } };
  }
}

/** The result, or the refusal as an error. */
export function resultOf<T>(outcome: Outcome<T>): T {
  if ('refused' in outcome) throw new RequestError(outcome.refused.reason, outcome.refused.message);
  return outcome.result;
}

/** Below this, memory may be a part of what Node shares among small buffers. */
const SMALLEST_OWN = 2 ** 14;

/** The memory of what is large in a job's arguments or result, which can be another thread's from then on. */
export function memoryOf(value: unknown): ArrayBuffer[] {
  const found = new Set<ArrayBuffer>();
  const visit = (part: unknown): void => {
    if (ArrayBuffer.isView(part)) {
      if (part.byteLength >= SMALLEST_OWN) found.add(part.buffer as ArrayBuffer);
    } else if (part instanceof Map) for (const inner of part.values()) visit(inner);
    else if (typeof part === 'object' && part !== null && !Array.isArray(part))
      for (const inner of Object.values(part)) visit(inner);
  };
  visit(value);
  return [...found];
}

export const elements = (tensors: Iterable<HostTensor>) =>
  [...tensors].reduce((sum, { data }) => sum + data.length, 0);
