/** The Open Inference Protocol over gRPC. */
import path from 'node:path';
import {
  loadPackageDefinition,
  logVerbosity,
  Server,
  ServerCredentials,
  ServerInterceptingCall,
  ServerListenerBuilder,
  setLogVerbosity,
  status,
  type GrpcObject,
  type sendUnaryData,
  type ServerInterceptor,
  type ServerUnaryCall,
  type ServiceClientConstructor,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { classifyOutputs } from '../protocol/classification';
import { modelConfig, modelMetadata, modelStatistics, repositoryIndex } from '../protocol/descriptions';
import { readInferMessage, writeInferMessage, type InferMessage } from '../protocol/grpcCodec';
import { cannotListen } from '../listening';
import { asRequestError } from '../protocol/requestError';
import { SERVER_METADATA, type Service } from '../service';
import { InferStreams } from './streamInfer';

/** It lies in the package's src, not in dist. */
export const PROTO = path.join(__dirname, '../../../../src/serving/protocol/open_inference.proto');

// What goes wrong comes as errors; the library's own copy on stderr would be a second one.
setLogVerbosity(logVerbosity.NONE);

/** Milliseconds between questions whether a peer is still there. */
const KEEPALIVE = 60_000;

/** `inference.GRPCInferenceService`, for servers and for clients. */
export function inferenceService(): ServiceClientConstructor {
  const definition = loadSync(PROTO, {
    keepCase: true,
    longs: String,
    enums: String,
    defaults: true,
    oneofs: true,
  });
  const { inference } = loadPackageDefinition(definition);
  return (inference as GrpcObject).GRPCInferenceService as ServiceClientConstructor;
}

interface ModelMessage {
  readonly name: string;
  readonly version: string;
}

export interface GrpcServer {
  readonly port: number;
  /** Finishes what was accepted; after `milliseconds` it ends that, too. */
  stop(milliseconds: number): Promise<void>;
}

/** Listens on `port`, 0 for any. UserError where that is not possible. */
export async function startGrpc(
  service: Service,
  { host, port, maxBody }: { readonly host: string; readonly port: number; readonly maxBody: number },
  warn: (line: string) => void,
): Promise<GrpcServer> {
  const server = new Server({
    'grpc.max_receive_message_length': maxBody,
    'grpc.max_send_message_length': -1,
    // Finds peers that are gone without a word.
    'grpc.keepalive_time_ms': KEEPALIVE,
    interceptors: [countUnread(service)],
  });
  const infer = inference(service);
  const streams = new InferStreams(infer, (error) => asRequestError(error, warn).message);
  server.addService(inferenceService().service, {
    ...implementation(service, infer, warn),
    ModelStreamInfer: streams.handle,
  });
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

/** Counts calls that end before their request could be read: it is too large, or no message of the protocol. */
function countUnread(service: Service): ServerInterceptor {
  return (_method, call) => {
    let isRead = false;
    const send = call.sendStatus.bind(call);
    // What the library refuses by itself goes past an interceptor's own sendStatus.
    call.sendStatus = (sent) => {
      if (!isRead && sent.code !== status.OK)
        service.countRefusal('grpc', UNREAD_STATUS[sent.code ?? status.UNKNOWN] ?? 400);
      send(sent);
    };
    const listener = new ServerListenerBuilder()
      .withOnReceiveMessage((message, next) => {
        isRead = true;
        next(message);
      })
      .build();
    return new ServerInterceptingCall(call, { start: (next) => next(listener) });
  };
}

/** By HTTP's codes, as the metrics have them. */
const UNREAD_STATUS: Partial<Readonly<Record<status, number>>> = {
  [status.RESOURCE_EXHAUSTED]: 413,
  [status.UNIMPLEMENTED]: 501,
};

type Infer = (message: InferMessage) => Promise<ReturnType<typeof writeInferMessage>>;

const inference =
  (service: Service): Infer =>
  ({ model_name: name, model_version: wanted, ...message }) =>
    service.count('grpc', name, wanted, async (model) => {
      const { inputs, outputs: asked, classes } = readInferMessage(message);
      const outputs = classifyOutputs(await model.infer(inputs, asked), classes, model);
      const inferred = { model: name, version: model.version, outputs };
      return writeInferMessage(inferred, message.id, message.raw_input_contents.length > 0);
    });

function implementation(
  service: Service,
  infer: Infer,
  warn: (line: string) => void,
): UntypedServiceImplementation {
  const { models } = service;
  const unary =
    <Request>(answer: (request: Request) => unknown) =>
    ({ request }: ServerUnaryCall<Request, unknown>, callback: sendUnaryData<unknown>) => {
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
  return {
    ServerLive: unary(() => ({ live: true })),
    ServerReady: unary(() => ({ ready: service.isReady })),
    ModelReady: unary(({ name, version }: ModelMessage) => ({ ready: service.isModelReady(name, version) })),
    ServerMetadata: unary(() => SERVER_METADATA),
    ModelMetadata: unary(({ name, version }: ModelMessage) => modelMetadata(models, name, version)),
    ModelConfig: unary(({ name, version }: ModelMessage) => ({ config: modelConfig(models, name, version) })),
    ModelStatistics: unary(({ name, version }: ModelMessage) => modelStatistics(models, name, version)),
    RepositoryIndex: unary(({ ready }: { readonly ready: boolean }) => ({
      models: repositoryIndex(models, ready),
    })),
    ModelInfer: unary(infer),
  };
}
