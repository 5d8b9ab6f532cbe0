/** The Open Inference Protocol over gRPC. */
import path from 'node:path';
import {
  loadPackageDefinition,
  logVerbosity,
  Server,
  ServerCredentials,
  setLogVerbosity,
  type GrpcObject,
  type sendUnaryData,
  type ServerUnaryCall,
  type ServiceClientConstructor,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { readInferMessage, writeInferMessage, type InferMessage } from './grpcCodec';
import { cannotListen } from './listening';
import { asRequestError } from './requestError';
import { SERVER_METADATA, type Service } from './service';

/** It lies in the package's src, not in dist. */
export const PROTO = path.join(__dirname, '../../../src/serving/open_inference.proto');

// What goes wrong comes as errors; the library's own copy on stderr would be a second one.
setLogVerbosity(logVerbosity.NONE);

/** `inference.GRPCInferenceService`, for servers and for clients. */
export function inferenceService(): ServiceClientConstructor {
  const definition = loadSync(PROTO, { keepCase: true, longs: String, defaults: true, oneofs: true });
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
  });
  server.addService(inferenceService().service, implementation(service, warn));
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
        server.tryShutdown(() => {
          clearTimeout(timer);
          resolve();
        });
      }),
  };
}

function implementation(service: Service, warn: (line: string) => void): UntypedServiceImplementation {
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
    ModelMetadata: unary(({ name, version }: ModelMessage) => service.modelMetadata(name, version)),
    ModelInfer: unary(({ model_name: name, model_version: wanted, ...message }: InferMessage) =>
      service.count('grpc', name, wanted, async (model) => {
        const { inputs, outputs } = readInferMessage(message);
        const inferred = { model: name, version: model.version, outputs: await model.infer(inputs, outputs) };
        return writeInferMessage(inferred, message.id, message.raw_input_contents.length > 0);
      }),
    ),
  };
}
