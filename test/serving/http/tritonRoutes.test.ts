/** Triton's extensions over HTTP: index, configuration, statistics, classes, compression, and what is refused. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import path from 'node:path';
import { deflateSync, gunzipSync, gzipSync, inflateSync } from 'node:zlib';
import { addVersion, COLUMNS, scaleModel } from '../../../tools/bench/servingModel';
import { get, post, scaleRequest, withServer, type TestServer } from '../../support/serving';
import { inTemporaryFolder } from '../../support/temporary';

const served = (body: (server: TestServer, model: string) => Promise<void>) =>
  inTemporaryFolder(async (folder) => {
    addVersion(folder, 'scale', 3, scaleModel(2));
    writeFileSync(path.join(folder, 'scale', 'labels.txt'), 'ant\nbee\ncat\ndog\n');
    mkdirSync(path.join(folder, 'broken', '1'), { recursive: true });
    writeFileSync(path.join(folder, 'broken', '1', 'model.onnx'), 'no model');
    await withServer(folder, {}, (server) => body(server, `${server.url}/v2/models/scale`));
  });

test('index, configuration and statistics', () =>
  served(async ({ url }, model) => {
    const scale = { name: 'scale', version: '3', state: 'READY', reason: '' };
    const broken = {
      name: 'broken',
      version: '',
      state: 'UNAVAILABLE',
      reason: expect.any(String) as string,
    };
    expect((await post(`${url}/v2/repository/index`, {})).json).toEqual([broken, scale]);
    expect((await post(`${url}/v2/repository/index`, { ready: true })).json).toEqual([scale]);
    expect((await post(`${url}/v2/repository/index`, { ready: 1 })).status).toBe(400);
    expect((await get(`${model}/config`)).json).toMatchObject({
      name: 'scale',
      max_batch_size: 16,
      input: [{ name: 'x', data_type: 'TYPE_FP32', dims: [COLUMNS] }],
      dynamic_batching: { max_queue_delay_microseconds: 2000 },
    });
    expect((await get(`${url}/v2/models/none/config`)).status).toBe(404);
    await post(`${model}/infer`, scaleRequest([1, 2, 3, 4]));
    await post(`${model}/infer`, {});
    for (const address of [`${url}/v2/models/stats`, `${model}/stats`, `${model}/versions/3/stats`])
      expect((await get(address)).json).toMatchObject({
        model_stats: [
          {
            name: 'scale',
            version: '3',
            inference_count: 1,
            execution_count: 1,
            inference_stats: { success: { count: 1 }, fail: { count: 1 }, compute_infer: { count: 1 } },
          },
        ],
      });
    expect((await get(`${model}/versions/9/stats`)).status).toBe(404);
  }));

test('the highest values of each row with their classes, as JSON and as bytes', () =>
  served(async (_server, model) => {
    const ask = (parameters: object) => ({
      ...scaleRequest([1, 4, 2, 3, 0.5, 0, 0, 0]),
      outputs: [{ name: 'y', parameters }],
    });
    const text = ['8.000000:1:bee', '6.000000:3:dog', '1.000000:0:ant', '0.000000:1:bee'];
    const { json } = await post(`${model}/infer`, ask({ classification: 2 }));
    expect(json.outputs).toEqual([{ name: 'y', datatype: 'BYTES', shape: [2, 2], data: text }]);
    const binary = ask({ classification: 9, binary_data: true });
    const response = await fetch(`${model}/infer`, { method: 'POST', body: JSON.stringify(binary) });
    const bytes = Buffer.from(await response.arrayBuffer());
    const length = Number(response.headers.get('inference-header-content-length'));
    expect(JSON.parse(bytes.toString('utf8', 0, length))).toMatchObject({ outputs: [{ shape: [2, 4] }] });
    expect(bytes.readUInt32LE(length)).toBe(text[0].length);
    expect(bytes.toString('utf8', length + 4, length + 4 + text[0].length)).toBe(text[0]);
    for (const classification of [0, 1.5, 'all'])
      expect((await post(`${model}/infer`, ask({ classification }))).status).toBe(400);
  }));

/** As it comes: fetch would expand it. */
function send(url: string, body: Buffer, headers: Readonly<Record<string, string>>) {
  return new Promise<{ status?: number; encoding?: string; body: Buffer }>((resolve, reject) => {
    const sent = request(url, { method: 'POST', headers }, (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('end', () =>
        resolve({
          status: response.statusCode,
          encoding: response.headers['content-encoding'],
          body: Buffer.concat(parts),
        }),
      );
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

test('gzip and deflate, both ways', () =>
  served(async (_server, model) => {
    const json = JSON.stringify(
      scaleRequest(
        Array.from({ length: 16 * COLUMNS }, (_, i) => i / 3),
        ['y', 'negative'],
      ),
    );
    for (const [encoding, compress, expand] of [
      ['gzip', gzipSync, gunzipSync],
      ['deflate', deflateSync, inflateSync],
    ] as const) {
      const answer = await send(`${model}/infer`, compress(json), {
        'content-encoding': encoding,
        'accept-encoding': encoding,
      });
      expect(answer).toMatchObject({ status: 200, encoding });
      const plain = await send(`${model}/infer`, Buffer.from(json), {});
      expect(plain.encoding).toBeUndefined();
      expect(expand(answer.body).toString()).toBe(plain.body.toString());
    }
    expect(await post(`${model}/infer`, Buffer.from('x'), { 'content-encoding': 'br' })).toMatchObject({
      status: 415,
    });
    expect(await post(`${model}/infer`, Buffer.from('x'), { 'content-encoding': 'gzip' })).toMatchObject({
      status: 400,
    });
    // Small as it comes, too large as it is: --max-body counts what it is.
    const bomb = gzipSync(Buffer.alloc(2 ** 24));
    expect(bomb.length).toBeLessThan(2 ** 15);
    expect(await post(`${model}/infer`, bomb, { 'content-encoding': 'gzip' })).toMatchObject({ status: 413 });
  }));

test('a clear answer for what is not served', () =>
  served(async ({ url }, model) => {
    for (const address of [
      '/v2/repository/models/scale/load',
      '/v2/trace/setting',
      '/v2/models/scale/trace/setting',
      '/v2/logging',
      '/v2/systemsharedmemory/status',
      '/v2/cudasharedmemory/region/a/register',
    ])
      expect(await post(`${url}${address}`, {})).toMatchObject({
        status: 501,
        json: { error: expect.stringContaining('not served') as string },
      });
    const parameters = { shared_memory_region: 'a', shared_memory_byte_size: 16 };
    const input = { name: 'x', shape: [1, 4], datatype: 'FP32', parameters };
    expect(await post(`${model}/infer`, { inputs: [input] })).toMatchObject({
      status: 501,
      json: { error: 'input x: shared memory is not served; send the data itself' },
    });
  }));
