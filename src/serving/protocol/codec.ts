/** Requests read and answers written: small ones at once, others in threads, so that the one that answers is never busy for long. */
import { threadFile } from '../../base/build';
import { WorkerCalls } from '../../base/workerCalls';
import { asBuffer } from '../../base/buffers';
import { inOwnMemory } from '../../tensors/dtype';
import {
  elements,
  memoryOf,
  resultOf,
  runJob,
  type Answer,
  type GrpcRequest,
  type JobName,
  type JobRequest,
  type Jobs,
  type Outcome,
} from './codecJobs';
import { RequestError } from './requestError';
import type { RestRequest } from './restCodec';

/** Bytes that are read at once, in less than a millisecond. */
const SMALL = 2 ** 15;
/** Those of more have a thread of their own, where the others need not wait for them. */
const LARGE = 2 ** 21;
/** Bytes of an element that is written as text. */
const WRITTEN = 16;

type Thread = WorkerCalls<JobRequest, Outcome<never>>;

export class Codec {
  private medium: Thread | undefined;
  private large: Thread | undefined;

  /** RequestError for whatever does not follow the protocol. Takes the memory of `body`. */
  readRest(body: Buffer, headerLength: string | undefined): Promise<RestRequest> {
    // What lies behind the JSON is not looked at.
    const read = Math.min(body.length, headerLength === undefined ? Infinity : Number(headerLength));
    return this.run('readRest', read, body, headerLength);
  }

  /** The body of an answer; `headerLength` is null for JSON alone. Takes the memory of the outputs. */
  writeRest(
    answer: Answer,
    form: Pick<RestRequest, 'id' | 'binary' | 'binaryOutputs'>,
  ): Promise<ReturnType<Jobs['writeRest']>> {
    const { id, binary, binaryOutputs } = form;
    return this.run('writeRest', writtenBytes(answer), answer, { id, binary, binaryOutputs });
  }

  /** RequestError for what is no message of the protocol. Takes the memory of `message`. */
  readGrpc(message: Buffer): Promise<GrpcRequest> {
    return this.run('readGrpc', message.length, message);
  }

  /** A ModelInferResponse, in a ModelStreamInferResponse for `isStream`. Takes the memory of the outputs. */
  async writeGrpc(
    answer: Answer,
    form: { readonly id: string; readonly isRaw: boolean; readonly isStream: boolean },
  ): Promise<Buffer> {
    return (await this.run('writeGrpc', writtenBytes(answer), answer, form)).body;
  }

  /** Ends the threads. */
  async close(): Promise<void> {
    await Promise.all([this.medium?.terminate(), this.large?.terminate()]);
  }

  private async run<Name extends JobName>(
    name: Name,
    bytes: number,
    ...args: Parameters<Jobs[Name]>
  ): Promise<ReturnType<Jobs[Name]>> {
    type Result = ReturnType<Jobs[Name]>;
    if (!(bytes > SMALL)) return runJob({ name, args }) as Result;
    const [first, ...others] = args;
    const moved = ArrayBuffer.isView(first) ? movable(first as Buffer) : owned(first);
    const outcome = await this.thread(bytes).call({ name, args: [moved, ...others] }, memoryOf(moved));
    const result: Result = resultOf(outcome);
    return buffers(result);
  }

  private thread(bytes: number): Thread {
    const place = bytes > LARGE ? 'large' : 'medium';
    const there = this[place];
    if (there && !there.hasEnded) return there;
    return (this[place] = new WorkerCalls(
      threadFile('src/serving/protocol/codecWorker.js'),
      undefined,
      'the thread that reads requests',
      (cause) => new RequestError('failed', `the request cannot be read: ${cause.message}`),
    ));
  }
}

/** How many bytes an answer has as text, about. */
const writtenBytes = ({ outputs }: Answer) => WRITTEN * elements(outputs.values());

/** In memory that can be moved: of its own, but for some bytes. */
const movable = (bytes: Buffer): Buffer =>
  bytes.buffer.byteLength - bytes.byteLength <= 64 ? bytes : Buffer.from(bytes);

const owned = (answer: Answer): Answer => ({
  ...answer,
  outputs: new Map([...answer.outputs].map(([name, tensor]) => [name, inOwnMemory(tensor)])),
});

/** Buffers come from threads as plain arrays. */
function buffers<T>(result: T): T {
  if (typeof result !== 'object' || result === null || !('body' in result)) return result;
  return { ...result, body: asBuffer(result.body as Uint8Array) };
}
