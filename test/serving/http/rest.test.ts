/** The protocol over HTTP: health, metadata, inference in JSON and in bytes, and what is refused. */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { addVersion, scaleModel } from '../../../tools/bench/servingModel';
import { firstData, get, post, scaleRequest, withServer, type TestServer } from '../../support/serving';
import { inTemporaryFolder } from '../../support/temporary';

const served = (body: (server: TestServer, model: string) => Promise<void>) =>
  inTemporaryFolder(async (folder) => {
    addVersion(folder, 'scale', 1, scaleModel(2));
    addVersion(folder, 'scale', 10, scaleModel(3));
    writeFileSync(path.join(folder, 'scale', 'config.pbtxt'), 'version_policy { all {} }');
    await withServer(folder, {}, (server) => body(server, `${server.url}/v2/models/scale`));
  });

const ROW = [1, 2, 3, 4];

test('health and metadata', () =>
  served(async ({ url }, model) => {
    expect((await get(`${url}/v2`)).json).toMatchObject({
      name: 'selfie-onnx',
      extensions: expect.arrayContaining(['binary_tensor_data', 'statistics']) as string[],
    });
    expect((await get(`${url}/v2/health/live`)).json).toEqual({ live: true });
    expect(await get(`${url}/v2/health/ready`)).toMatchObject({ status: 200, json: { ready: true } });
    const port = (name: string) => ({ name, datatype: 'FP32', shape: [-1, 4] });
    const described = {
      name: 'scale',
      versions: ['10', '1'],
      platform: 'onnxruntime_onnx',
      inputs: [port('x')],
      outputs: [port('y'), port('negative')],
    };
    expect((await get(model)).json).toEqual(described);
    expect((await get(`${model}/versions/1`)).json).toEqual(described);
    expect(await get(`${model}/ready`)).toMatchObject({ status: 200, json: { name: 'scale', ready: true } });
    expect((await get(`${model}/versions/1/ready`)).status).toBe(200);
  }));

test('JSON: the newest version unless one is named; nested data; the outputs asked for', () =>
  served(async (_server, model) => {
    const answer = await post(`${model}/infer`, { id: 'a7', ...scaleRequest(ROW) });
    expect(answer.json).toEqual({
      id: 'a7',
      model_name: 'scale',
      model_version: '10',
      outputs: [{ name: 'y', datatype: 'FP32', shape: [1, 4], data: [3, 6, 9, 12] }],
    });
    expect(firstData(await post(`${model}/versions/1/infer`, scaleRequest(ROW)))).toEqual([2, 4, 6, 8]);
    const data = [
      [1, 2, 3, 4],
      [5, 6, 7, 8],
    ];
    const nested = { inputs: [{ name: 'x', shape: [2, 4], datatype: 'FP32', data }] };
    expect((await post(`${model}/infer`, nested)).json.outputs).toEqual([
      { name: 'y', datatype: 'FP32', shape: [2, 4], data: [3, 6, 9, 12, 15, 18, 21, 24] },
      { name: 'negative', datatype: 'FP32', shape: [2, 4], data: [-3, -6, -9, -12, -15, -18, -21, -24] },
    ]);
  }));

test('binary data in and out, beside JSON', () =>
  served(async (_server, model) => {
    const input = { name: 'x', shape: [1, 4], datatype: 'FP32', parameters: { binary_data_size: 16 } };
    const outputs = [{ name: 'negative' }, { name: 'y', parameters: { binary_data: true } }];
    const json = Buffer.from(JSON.stringify({ inputs: [input], outputs }));
    const body = Buffer.concat([json, Buffer.from(Float32Array.from(ROW).buffer)]);
    const headers = { 'Inference-Header-Content-Length': String(json.length) };
    const response = await fetch(`${model}/infer`, {
      method: 'POST',
      body: body as unknown as string,
      headers,
    });
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('application/octet-stream');
    const bytes = Buffer.from(await response.arrayBuffer());
    const length = Number(response.headers.get('inference-header-content-length'));
    expect(JSON.parse(bytes.subarray(0, length).toString())).toMatchObject({
      outputs: [
        { name: 'negative', data: [-3, -6, -9, -12] },
        { name: 'y', datatype: 'FP32', shape: [1, 4], parameters: { binary_data_size: 16 } },
      ],
    });
    expect([0, 4, 8, 12].map((at) => bytes.readFloatLE(length + at))).toEqual([3, 6, 9, 12]);
    expect(bytes).toHaveLength(length + 16);

    const all = { ...scaleRequest(ROW), parameters: { binary_data_output: true } };
    const binary = await fetch(`${model}/infer`, { method: 'POST', body: JSON.stringify(all) });
    const part = (await binary.arrayBuffer()).slice(
      Number(binary.headers.get('inference-header-content-length')),
    );
    expect([...new Float32Array(part)]).toEqual([3, 6, 9, 12]);
  }));

test('what is refused says why, and the next request is answered', () =>
  served(async ({ url }, model) => {
    const x = { name: 'x', shape: [1, 4], datatype: 'FP32', data: ROW };
    // More lists than calls fit on a stack.
    const deep = `{"inputs": [{"name": "x", "shape": [1], "datatype": "FP32", "data": ${'['.repeat(1e5)}${']'.repeat(1e5)}}]}`;
    const cases: [what: unknown, status: number, message: string][] = [
      ['x', 400, 'no inference request'],
      [{ inputs: [] }, 400, 'there must be at least one'],
      [{ inputs: Array(200_000).fill(0) }, 400, 'expected array to have <=1000 items'],
      [{ inputs: Array(1000).fill(0) }, 400, 'expected object, received number'],
      [{ inputs: [{ ...x, shape: Array(200_000).fill('a') }] }, 400, 'expected array to have <=16 items'],
      [{ inputs: [{ ...x, shape: [1, 'a'] }] }, 400, 'shape[1]'],
      [{ inputs: [{ ...x, name: 'z' }] }, 400, 'there is no input z; its inputs are: x'],
      [{ inputs: [x, x] }, 400, 'two inputs have the same name'],
      [{ inputs: [{ ...x, datatype: 'FP31' }] }, 400, 'datatype FP31 is not served'],
      [{ inputs: [{ ...x, datatype: 'INT64' }] }, 400, 'input x is INT64, but must be FP32'],
      [{ inputs: [{ ...x, datatype: 'FP16' }] }, 400, 'send it as binary data'],
      [{ inputs: [{ ...x, datatype: 'UINT8', data: [1, 2, 3, 256] }] }, 400, 'value 3, 256, is no UINT8'],
      [{ inputs: [{ ...x, data: ['1', 2, 3, 4] }] }, 400, 'value 0, "1", is no FP32'],
      [{ inputs: [{ ...x, data: [1, 2, 3, 1e39] }] }, 400, 'value 3, 1e+39, is no FP32'],
      [Buffer.from(JSON.stringify({ inputs: [x] }).replace('[1,2,3,4]', '[1,2,3,1e999]')), 400, 'Infinity'],
      [Buffer.from(deep), 400, 'value 0, a list, is no FP32'],
      [{ inputs: [{ ...x, data: [1, 2, 3] }] }, 400, '3 values, but shape [1, 4] has 4'],
      [{ inputs: [{ ...x, data: 7 }] }, 400, 'data must be a list'],
      [{ inputs: [{ ...x, shape: [4, 1] }] }, 400, 'has shape [4, 1], but must be [-1, 4]'],
      [{ inputs: [{ ...x, shape: [0, 4], data: [] }] }, 400, 'sizes of at least 1'],
      [{ inputs: [{ ...x, shape: [2 ** 40, 2 ** 40] }] }, 400, 'too large'],
      [scaleRequest(Array<number>(17 * 4).fill(1)), 400, 'a batch of 17 is more than 16'],
      [scaleRequest(ROW, ['q']), 400, 'there is no output q; its outputs are: y, negative'],
      [
        { inputs: [{ ...x, data: undefined, parameters: { binary_data_size: 16 } }] },
        400,
        'only 0 bytes are left',
      ],
      [Buffer.alloc(2 ** 20 + 1, 32), 413, 'the body has more than 1048576 bytes'],
      [Buffer.from('{"inputs": '), 400, 'the body is not JSON'],
    ];
    for (const [body, status, message] of cases) {
      const answer = await post(`${model}/infer`, body);
      expect([answer.status, answer.json]).toEqual([
        status,
        { error: expect.stringContaining(message) as string },
      ]);
      expect((answer.json.error as string).length).toBeLessThan(500);
    }
    const length = await post(`${model}/infer`, scaleRequest(ROW), {
      'Inference-Header-Content-Length': '5000',
    });
    expect(length).toMatchObject({
      status: 400,
      json: { error: expect.stringContaining('at most the body') as string },
    });
    expect(await post(`${url}/v2/models/none/infer`, scaleRequest(ROW))).toMatchObject({
      status: 404,
      json: { error: 'there is no model none; served are: scale' },
    });
    expect(await get(`${model}/versions/2`)).toMatchObject({
      status: 404,
      json: { error: 'model scale has no version 2; served are: 10, 1' },
    });
    expect((await get(`${url}/v3`)).status).toBe(404);
    expect(await get(`${url}/v2/models/%E0%A4%A`)).toMatchObject({
      status: 400,
      json: { error: expect.stringContaining('not a valid url') as string },
    });
    expect(await get(`${url}/v2/models/${'x'.repeat(300)}`)).toMatchObject({
      status: 404,
      json: { error: 'no model has a name of more than 256 characters' },
    });
    const types = { 'content-type': 'no type', 'content-encoding': 'Identity' };
    expect(firstData(await post(`${model}/infer`, scaleRequest(ROW), types))).toEqual([3, 6, 9, 12]);

    const metrics = await (await fetch(`${url}/metrics`)).text();
    expect(metrics).toContain('selfie_requests_total{model="scale",protocol="rest",status="200"} 1');
    expect(metrics).toContain(
      `selfie_requests_total{model="scale",protocol="rest",status="400"} ${cases.length}`,
    );
    expect(metrics).toContain('selfie_requests_total{model="unknown",protocol="rest",status="404"} 1');
    expect(metrics).toContain('selfie_batch_rows_count{model="scale",version="10"} 1');
  }));

test('a folder with nothing to serve, and a model that does not load', () =>
  inTemporaryFolder(async (folder) => {
    await expect(withServer(folder, {}, async () => {})).rejects.toThrow('nothing to serve; expected');
    mkdirSync(path.join(folder, 'broken', '1'), { recursive: true });
    writeFileSync(path.join(folder, 'broken', '1', 'model.onnx'), 'no model');
    await expect(withServer(folder, {}, async () => {})).rejects.toThrow('no model loads (broken)');
    addVersion(folder, 'scale', 1, scaleModel(2));
    await withServer(folder, {}, async ({ url, lines }) => {
      expect(lines.join('\n')).toContain('warning: model broken: version 1 does not load');
      expect(await get(`${url}/v2/models/broken/ready`)).toMatchObject({
        status: 503,
        json: { ready: false },
      });
      expect(await post(`${url}/v2/models/broken/infer`, scaleRequest(ROW))).toMatchObject({ status: 503 });
      expect((await get(`${url}/v2/health/ready`)).status).toBe(200);
    });
  }));
