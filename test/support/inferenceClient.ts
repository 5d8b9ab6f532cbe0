/** A client of the Open Inference Protocol over gRPC, made from the protocol as Triton publishes it. */
import { readFileSync } from 'node:fs';
import {
  credentials,
  loadPackageDefinition,
  type Client,
  type GrpcObject,
  type ServiceClientConstructor,
  type ServiceError,
} from '@grpc/grpc-js';
import { loadFileDescriptorSetFromBuffer } from '@grpc/proto-loader';
import { fixture } from './paths';

/** Rejects with a ServiceError. */
export type Call = (method: string, request: object) => Promise<Record<string, unknown>>;

function publishedService(): ServiceClientConstructor {
  const set = readFileSync(fixture('open_inference', 'triton.binpb'));
  const definition = loadFileDescriptorSetFromBuffer(set, {
    keepCase: true,
    longs: String,
    enums: String,
    defaults: true,
    oneofs: true,
  });
  const { inference } = loadPackageDefinition(definition);
  return (inference as GrpcObject).GRPCInferenceService as ServiceClientConstructor;
}

/** On a connection of its own; close the client. */
export function openClient(port: number | null): { client: Client; call: Call } {
  const client = new (publishedService())(`127.0.0.1:${port}`, credentials.createInsecure(), {
    'grpc.use_local_subchannel_pool': 1,
  });
  const methods = client as unknown as Record<
    string,
    (request: object, done: (error: ServiceError | null, answer: Record<string, unknown>) => void) => void
  >;
  const call: Call = (method, request) =>
    new Promise((resolve, reject) => {
      methods[method](request, (error, answer) => {
        if (error) reject(error);
        else resolve(answer);
      });
    });
  return { client, call };
}
