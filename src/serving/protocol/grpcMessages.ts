/** The messages of the protocol's gRPC service, from its .proto to objects and back. */
import path from 'node:path';
import { loadSync, type MethodDefinition, type ServiceDefinition } from '@grpc/proto-loader';

/** It lies in the package's src, not in dist. */
export const PROTO = path.join(__dirname, '../../../../src/serving/protocol/open_inference.proto');

const SERVICE = 'inference.GRPCInferenceService';

let loaded: ServiceDefinition | undefined;

/** `inference.GRPCInferenceService`: 64-bit numbers and names of enumerations as text, defaults filled in. */
export function inferenceMethods(): ServiceDefinition {
  loaded ??= loadSync(PROTO, {
    keepCase: true,
    longs: String,
    enums: String,
    defaults: true,
    oneofs: true,
  })[SERVICE] as ServiceDefinition;
  return loaded;
}

export const inferenceMethod = (name: string): MethodDefinition<object, object> => inferenceMethods()[name];
