/** The protocol over gRPC, by a client that is made from the protocol's definition. */
import { credentials, status, type Client, type ServiceError } from '@grpc/grpc-js';
import { inferenceService } from '../../src/serving/grpc';
import { addVersion, scaleModel } from '../../tools/bench/servingModel';
import { withServer } from '../support/serving';
import { inTemporaryFolder } from '../support/temporary';

type Call = (method: string, request: object) => Promise<Record<string, unknown>>;

const served = (body: (call: Call) => Promise<void>) =>
  inTemporaryFolder(async (folder) => {
    addVersion(folder, 'scale', 4, scaleModel(3));
    await withServer(folder, { grpcPort: 0 }, async ({ grpcPort }) => {
      const Service = inferenceService();
      const client = new Service(`127.0.0.1:${grpcPort}`, credentials.createInsecure());
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
      try {
        await body(call);
      } finally {
        (client as Client).close();
      }
    });
  });

const input = (contents: object = {}) => ({ name: 'x', datatype: 'FP32', shape: [1, 4], ...contents });

test('live, ready, metadata', () =>
  served(async (call) => {
    expect(await call('ServerLive', {})).toEqual({ live: true });
    expect(await call('ServerReady', {})).toEqual({ ready: true });
    expect(await call('ServerMetadata', {})).toMatchObject({ name: 'selfie-onnx' });
    expect(await call('ModelReady', { name: 'scale' })).toEqual({ ready: true });
    const port = (name: string) => ({ name, datatype: 'FP32', shape: ['-1', '4'] });
    expect(await call('ModelMetadata', { name: 'scale', version: '4' })).toEqual({
      name: 'scale',
      versions: ['4'],
      platform: 'onnxruntime_onnx',
      inputs: [port('x')],
      outputs: [port('y'), port('negative')],
    });
  }));

test('inference with typed and with raw contents', () =>
  served(async (call) => {
    const typed = await call('ModelInfer', {
      model_name: 'scale',
      id: 'b3',
      inputs: [input({ contents: { fp32_contents: [1, 2, 3, 4] } })],
      outputs: [{ name: 'y' }],
    });
    expect(typed).toMatchObject({
      model_name: 'scale',
      model_version: '4',
      id: 'b3',
      raw_output_contents: [],
    });
    expect(typed.outputs).toMatchObject([
      { name: 'y', datatype: 'FP32', shape: ['1', '4'], contents: { fp32_contents: [3, 6, 9, 12] } },
    ]);
    const raw = await call('ModelInfer', {
      model_name: 'scale',
      model_version: '4',
      inputs: [input()],
      raw_input_contents: [Buffer.from(Float32Array.of(1, 2, 3, 4).buffer)],
    });
    expect(raw.outputs).toMatchObject([{ name: 'y', contents: null }, { name: 'negative' }]);
    const parts = raw.raw_output_contents as Buffer[];
    expect(parts.map((part) => [0, 4, 8, 12].map((at) => part.readFloatLE(at)))).toEqual([
      [3, 6, 9, 12],
      [-3, -6, -9, -12],
    ]);
  }));

test('errors have the codes of gRPC', () =>
  served(async (call) => {
    const refused = async (method: string, request: object, code: status, details: string) => {
      const error = await call(method, request).catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ code, details: expect.stringContaining(details) as string });
    };
    const named = { model_name: 'scale' };
    await refused('ModelInfer', named, status.INVALID_ARGUMENT, 'no inputs');
    await refused(
      'ModelInfer',
      { model_name: 'none', inputs: [input({ contents: { fp32_contents: [1, 2, 3, 4] } })] },
      status.NOT_FOUND,
      'there is no model none',
    );
    await refused('ModelInfer', { ...named, inputs: [input()] }, status.INVALID_ARGUMENT, '0 values');
    await refused(
      'ModelInfer',
      { ...named, inputs: [input()], raw_input_contents: [Buffer.alloc(3)] },
      status.INVALID_ARGUMENT,
      '3 bytes of data',
    );
    await refused(
      'ModelInfer',
      { ...named, inputs: [input()], raw_input_contents: [Buffer.alloc(16), Buffer.alloc(1)] },
      status.INVALID_ARGUMENT,
      '2 parts for 1 inputs',
    );
    await refused('ModelMetadata', { name: 'scale', version: '9' }, status.NOT_FOUND, 'no version 9');
    await refused(
      'ModelInfer',
      { ...named, inputs: [input()], raw_input_contents: [Buffer.alloc(2 ** 20 + 9)] },
      status.RESOURCE_EXHAUSTED,
      '',
    );
  }));
