/** The Open Inference Protocol over gRPC. */
import {
  logVerbosity,
  Server,
  ServerCredentials,
  ServerInterceptingCall,
  ServerListenerBuilder,
  setLogVerbosity,
  status,
  type sendUnaryData,
  type ServiceDefinition,
  type ServerInterceptor,
  type ServerUnaryCall,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { modelConfig, modelMetadata, modelStatistics, repositoryIndex } from '../protocol/descriptions';
import { resultOf } from '../protocol/codecJobs';
import { inferenceMethod, inferenceMethods } from '../protocol/grpcMessages';
import type { Hosts } from '../hosts';
import { cannotListen } from '../listening';
import { asRequestError, RequestError } from '../protocol/requestError';
import { SERVER_METADATA, type Service } from '../service';
import { InferStreams } from './streamInfer';

// What goes wrong comes as errors; the library's own copy on stderr would be a second one.
setLogVerbosity(logVerbosity.NONE);

/** Milliseconds between questions whether a peer is still there. */
const KEEPALIVE = 60_000;

/** Bytes of a message without tensors. */
const LONGEST_QUESTION = 2 ** 16;

interface ModelMessage {
  readonly name: string;
  readonly version: string;
}

export interface GrpcServer {
  readonly port: number;
  /** Finishes what was accepted; after `milliseconds` it ends that, too. */
  stop(milliseconds: number): Promise<void>;
}

export interface GrpcSettings {
  readonly host: string;
  readonly hosts: Hosts;
  readonly port: number;
  /** bytes of a message */
  readonly maxBody: number;
  /** milliseconds in which a request must have arrived */
  readonly requestTimeout: number;
}

/** Listens on `port`, 0 for any. UserError where that is not possible. */
export async function startGrpc(
  service: Service,
  { host, hosts, port, maxBody, requestTimeout }: GrpcSettings,
  warn: (line: string) => void,
): Promise<GrpcServer> {
  const server = new Server({
    'grpc.max_receive_message_length': maxBody,
    'grpc.max_send_message_length': -1,
    // Finds peers that are gone without a word.
    'grpc.keepalive_time_ms': KEEPALIVE,
    interceptors: [guardCalls(service, hosts, requestTimeout)],
  });
  const streams = new InferStreams(
    (message) => infer(service, message, true),
    (error) => streamError(asRequestError(error, warn).message),
  );
  server.addService(untranslated(), { ...implementation(service, warn), ModelStreamInfer: streams.handle });
  const bound = await new Promise<number>((resolve, reject) => {
    const address = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
    server.bindAsync(address, ServerCredentials.createInsecure(), (error, found) => {
      if (error) reject(cannotListen('--grpc-port', port, address, error.message));
      else resolve(found);
    });
  });
  return {
    port: bound,
    stop: (milliseconds) =>
      new Promise((resolve) => {
        const timer = setTimeout(() => server.forceShutdown(), milliseconds);
        streams.stop();
        server.tryShutdown(() => {
          clearTimeout(timer);
          resolve();
        });
      }),
  };
}

/**
 * Ends calls that ask by another's name, or whose message does not arrive in time, and counts those that end before their
 * request could be read: it is too large, or no message.
 */
function guardCalls(service: Service, hosts: Hosts, patience: number): ServerInterceptor {
  return (method, call) => {
    let isRead = false;
    const send = call.sendStatus.bind(call);
    const late = method.requestStream
      ? undefined
      : setTimeout(() => {
          call.sendStatus({ code: status.DEADLINE_EXCEEDED, details: 'the request has not arrived in time' });
        }, patience);
    // What the library refuses by itself goes past an interceptor's own sendStatus.
    call.sendStatus = (sent) => {
      clearTimeout(late);
      if (!isRead && sent.code !== status.OK)
        service.countRefusal('grpc', UNREAD_STATUS[sent.code ?? status.UNKNOWN] ?? 400);
      send(sent);
    };
    const listener = new ServerListenerBuilder()
      .withOnReceiveMessage((message, next) => {
        isRead = true;
        clearTimeout(late);
        next(message);
      })
      .withOnCancel(() => clearTimeout(late))
      .build();
    return new ServerInterceptingCall(call, {
      start: (next) => {
        next(listener);
        try {
          hosts.require(call.getHost());
        } catch (error) {
          const { grpc, message } = asRequestError(error, () => {});
          call.sendStatus({ code: grpc, details: message });
        }
      },
    });
  };
}

/** By HTTP's codes, as the metrics have them. */
const UNREAD_STATUS: Partial<Readonly<Record<status, number>>> = {
  [status.DEADLINE_EXCEEDED]: 408,
  [status.PERMISSION_DENIED]: 403,
  [status.RESOURCE_EXHAUSTED]: 413,
  [status.UNIMPLEMENTED]: 501,
};

/** The service with messages as bytes both ways: what is large is read and written in another thread. */
function untranslated(): ServiceDefinition {
  const asIs = (bytes: Buffer) => bytes;
  return Object.fromEntries(
    Object.entries(inferenceMethods()).map(([name, method]) => [
      name,
      { ...method, requestDeserialize: asIs, responseSerialize: asIs },
    ]),
  );
}

/** Answers a ModelInferRequest. RequestError where it gets no result. */
async function infer(service: Service, message: Buffer, isStream: boolean): Promise<Buffer> {
  const { codec } = service;
  const {
    name,
    version: wanted,
    id,
    isRaw,
    read,
  } = await codec.readGrpc(message).catch((error: unknown) => {
    service.countRefusal('grpc', error instanceof RequestError ? error.http : 500);
    throw error;
  });
  return service.count('grpc', name, wanted, async (model) => {
    const { inputs, outputs: asked, classes } = resultOf(read);
    const outputs = await model.infer(inputs, asked);
    const labels = { classes: model.classes, maxBatch: model.maxBatch };
    const answer = { model: name, version: model.version, outputs, classes, labels };
    return codec.writeGrpc(answer, { id, isRaw, isStream });
  });
}

const streamError = (message: string) =>
  inferenceMethod('ModelStreamInfer').responseSerialize({ error_message: message });

function implementation(service: Service, warn: (line: string) => void): UntypedServiceImplementation {
  const { models } = service;
  const bytes =
    (answer: (message: Buffer) => Buffer | Promise<Buffer>) =>
    ({ request }: ServerUnaryCall<Buffer, Buffer>, callback: sendUnaryData<Buffer>) => {
      void Promise.resolve(request)
        .then(answer)
        .then(
          (response) => callback(null, response),
          (error: unknown) => {
            const { grpc, message } = asRequestError(error, warn);
            callback({ code: grpc, details: message });
          },
        );
    };
  const answers: Readonly<Record<string, (request: never) => object>> = {
    ServerLive: () => ({ live: true }),
    ServerReady: () => ({ ready: service.isReady }),
    ModelReady: ({ name, version }: ModelMessage) => ({ ready: service.isModelReady(name, version) }),
    ServerMetadata: () => SERVER_METADATA,
    ModelMetadata: ({ name, version }: ModelMessage) => modelMetadata(models, name, version),
    ModelConfig: ({ name, version }: ModelMessage) => ({ config: modelConfig(models, name, version) }),
    ModelStatistics: ({ name, version }: ModelMessage) => modelStatistics(models, name, version),
    RepositoryIndex: ({ ready }: { readonly ready: boolean }) => ({ models: repositoryIndex(models, ready) }),
  };
  const translated = Object.entries(answers).map(([name, answer]) => [
    name,
    bytes((message) => inferenceMethod(name).responseSerialize(answer(readQuestion(name, message) as never))),
  ]);
  return {
    ...(Object.fromEntries(translated) as UntypedServiceImplementation),
    ModelInfer: bytes((message) => infer(service, message, false)),
  };
}

/** A small message. RequestError for what is none, or no question. */
function readQuestion(name: string, message: Buffer): object {
  if (message.length > LONGEST_QUESTION)
    throw new RequestError('tooLarge', `${name}: the message has more than ${LONGEST_QUESTION} bytes`);
  try {
    return inferenceMethod(name).requestDeserialize(message);
  } catch {
    throw new RequestError('invalid', `${name}: the message is not of the protocol`);
  }
}
