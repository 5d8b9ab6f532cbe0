/** The protocol over gRPC, by a client that is made from the protocol as Triton publishes it. */
import {
  status,
  type Client,
  type ClientDuplexStream,
  type ServiceError,
  type StatusObject,
} from '@grpc/grpc-js';
import { addVersion, scaleModel } from '../../../tools/bench/servingModel';
import { openClient, type Call } from '../../support/inferenceClient';
import { withServer, type TestServer } from '../../support/serving';
import { inTemporaryFolder } from '../../support/temporary';
import { until } from '../../support/until';

const served = (body: (call: Call, client: Client, server: TestServer) => Promise<void>) =>
  inTemporaryFolder(async (folder) => {
    addVersion(folder, 'scale', 4, scaleModel(3));
    await withServer(folder, { grpcPort: 0 }, async (server) => {
      const { client, call } = openClient(server.grpcPort);
      try {
        await body(call, client, server);
      } finally {
        client.close();
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

test("Triton's index, configuration and statistics", () =>
  served(async (call) => {
    expect(await call('RepositoryIndex', {})).toEqual({
      models: [{ name: 'scale', version: '4', state: 'READY', reason: '' }],
    });
    const { config } = await call('ModelConfig', { name: 'scale' });
    expect(config).toMatchObject({
      name: 'scale',
      platform: 'onnxruntime_onnx',
      backend: 'onnxruntime',
      max_batch_size: 16,
      input: [{ name: 'x', data_type: 'TYPE_FP32', dims: ['4'] }],
      output: [{ name: 'y' }, { name: 'negative' }],
      dynamic_batching: { max_queue_delay_microseconds: '2000' },
    });
    await call('ModelInfer', {
      model_name: 'scale',
      inputs: [{ ...input({ contents: { fp32_contents: [1, 2, 3, 4, 5, 6, 7, 8] } }), shape: [2, 4] }],
    });
    await expect(call('ModelInfer', { model_name: 'scale' })).rejects.toThrow('no inputs');
    const { model_stats: stats } = await call('ModelStatistics', {});
    const once = { count: '1', ns: expect.stringMatching(/^[1-9]\d*$/) as string };
    expect(stats).toMatchObject([
      {
        name: 'scale',
        version: '4',
        inference_count: '2',
        execution_count: '1',
        inference_stats: { success: once, fail: once, queue: once, compute_infer: once },
        batch_stats: [{ batch_size: '2', compute_infer: once }],
      },
    ]);
  }));

test('classes as values, indices and names', () =>
  served(async (call) => {
    const ask = async (classification: object) =>
      call('ModelInfer', {
        model_name: 'scale',
        inputs: [{ ...input({ contents: { fp32_contents: [1, 4, 2, 3, 0, 0, 1, 0] } }), shape: [2, 4] }],
        outputs: [{ name: 'y', parameters: { classification } }],
      });
    const { outputs } = await ask({ int64_param: 2 });
    const [{ contents, ...described }] = outputs as { contents: { bytes_contents: Buffer[] } }[];
    expect(described).toMatchObject({ name: 'y', datatype: 'BYTES', shape: ['2', '2'] });
    expect(contents.bytes_contents.map(String)).toEqual([
      '12.000000:1',
      '9.000000:3',
      '3.000000:2',
      '0.000000:0',
    ]);
    await expect(ask({ int64_param: -1 })).rejects.toMatchObject({ code: status.INVALID_ARGUMENT });
  }));

const raw = (...values: number[]) => ({
  model_name: 'scale',
  id: String(values[0]),
  inputs: [input()],
  raw_input_contents: [Buffer.from(Float32Array.from(values).buffer)],
});

type Streaming = Readonly<Record<'ModelStreamInfer', () => ClientDuplexStream<object, StreamAnswer>>>;
interface StreamAnswer {
  readonly error_message: string;
  readonly infer_response: { readonly id: string; readonly raw_output_contents: Buffer[] } | null;
}

test('a stream of requests is answered in its order, errors between, and ends when the client is done or the server stops', () =>
  served(async (_call, client, server) => {
    const stream = (client as unknown as Streaming).ModelStreamInfer();
    const answers: StreamAnswer[] = [];
    stream.on('data', (answer: StreamAnswer) => answers.push(answer));
    const ended = new Promise<ServiceError>((resolve) => stream.once('error', resolve));
    for (let i = 0; i < 20; i++) stream.write(i === 7 ? { model_name: 'none' } : raw(i, 0, 0, 0));
    await until(() => answers.length === 20);
    expect(answers[7]).toMatchObject({
      infer_response: null,
      error_message: 'there is no model none; served are: scale',
    });
    const others = answers.filter((_, i) => i !== 7).map(({ infer_response: found }) => found);
    expect(others.map((found) => [found?.id, found?.raw_output_contents[0].readFloatLE(0)])).toEqual(
      Array.from({ length: 20 }, (_, i) => [String(i), 3 * i]).filter(([id]) => id !== '7'),
    );
    const second = (client as unknown as Streaming).ModelStreamInfer();
    const finished = new Promise<StatusObject>((resolve) => second.once('status', resolve));
    second.on('data', () => {});
    second.write(raw(1, 0, 0, 0));
    second.end();
    expect(await finished).toMatchObject({ code: status.OK });
    const stopped = server.stop(60);
    expect(await ended).toMatchObject({ code: status.UNAVAILABLE, details: 'the server is shutting down' });
    await stopped;
  }));

test('what is not served has a clear code, and refusals that no model saw are counted', () =>
  served(async (call, _client, { url }) => {
    const shared = { shared_memory_region: { string_param: 'r' } };
    const cases: [method: string, request: object][] = [
      ['ModelInfer', { model_name: 'scale', inputs: [input({ parameters: shared })] }],
      ['RepositoryModelLoad', { model_name: 'scale' }],
      ['SystemSharedMemoryStatus', {}],
      ['TraceSetting', {}],
      ['LogSettings', {}],
    ];
    for (const [method, request] of cases)
      await expect(call(method, request)).rejects.toMatchObject({ code: status.UNIMPLEMENTED });
    const large = { ...raw(1, 2, 3, 4), raw_input_contents: [Buffer.alloc(2 ** 20 + 9)] };
    await expect(call('ModelInfer', large)).rejects.toMatchObject({ code: status.RESOURCE_EXHAUSTED });
    const metrics = await (await fetch(`${url}/metrics`)).text();
    expect(metrics).toContain('selfie_requests_total{model="unknown",protocol="grpc",status="413"} 1');
  }));
