/** A client of the Open Inference Protocol over gRPC, made from the protocol as Triton publishes it. */
import { readFileSync } from 'node:fs';
import { credentials, makeClientConstructor, type Client, type ServiceError } from '@grpc/grpc-js';
import { Root, type IConversionOptions, type Type } from 'protobufjs';
import 'protobufjs/ext/descriptor';
import { fixture } from './paths';

/** Rejects with a ServiceError. */
export type Call = (method: string, request: object) => Promise<Record<string, unknown>>;

const SERVICE = 'inference.GRPCInferenceService';
const SHOWN: IConversionOptions = { longs: String, enums: String, defaults: true, oneofs: true };

const encode = (type: Type) => (value: object) => Buffer.from(type.encode(type.fromObject(value)).finish());
const decode = (type: Type) => (bytes: Buffer) => type.toObject(type.decode(bytes), SHOWN);

function publishedService() {
  const root = Root.fromDescriptor(readFileSync(fixture('open_inference', 'triton.binpb')));
  const methods = root.lookupService(SERVICE).methodsArray.map((method) => {
    method.resolve();
    const { name, resolvedRequestType, resolvedResponseType } = method;
    if (!resolvedRequestType || !resolvedResponseType) throw new Error(`${name} has no types`);
    return {
      path: `/${SERVICE}/${name}`,
      requestStream: method.requestStream === true,
      responseStream: method.responseStream === true,
      requestSerialize: encode(resolvedRequestType),
      requestDeserialize: decode(resolvedRequestType),
      responseSerialize: encode(resolvedResponseType),
      responseDeserialize: decode(resolvedResponseType),
      originalName: name,
    };
  });
  return makeClientConstructor(Object.fromEntries(methods.map((each) => [each.originalName, each])), SERVICE);
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
