/** New versions replace old ones while requests come in, and what does not load changes nothing. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { addVersion, scaleModel } from '../../../tools/bench/servingModel';
import { firstData, get, post, scaleRequest, withServer } from '../../support/serving';
import { inTemporaryFolder } from '../../support/temporary';
import { until } from '../../support/until';

const ROW = [1, 2, 3, 4];

test('no request is dropped while versions change', () =>
  inTemporaryFolder(async (folder) => {
    addVersion(folder, 'scale', 1, scaleModel(1));
    await withServer(folder, {}, async ({ url, reload }) => {
      const infer = `${url}/v2/models/scale/infer`;
      let going = true;
      const seen = new Set<string>();
      const client = async () => {
        while (going) {
          const answer = await post(infer, scaleRequest(ROW));
          const version = String(answer.json.model_version);
          expect(answer.status).toBe(200);
          expect(firstData(answer)).toEqual(ROW.map((value) => value * Number(version)));
          seen.add(version);
        }
      };
      const clients = Promise.all(Array.from({ length: 8 }, client));
      const answers = (version: number) => until(() => seen.has(String(version)));
      await answers(1);
      for (const version of [2, 3, 4]) {
        addVersion(folder, 'scale', version, scaleModel(version));
        await reload();
        await answers(version);
      }
      going = false;
      await clients;
      expect([...seen].sort()).toEqual(['1', '2', '3', '4']);
      expect((await get(`${url}/v2/models/scale`)).json.versions).toEqual(['4']);
    });
  }));

test('by itself: a version is loaded once it no longer changes', () =>
  inTemporaryFolder(async (folder) => {
    addVersion(folder, 'scale', 1, scaleModel(1));
    await withServer(folder, { reloadEvery: 0.05 }, async ({ url }) => {
      addVersion(folder, 'scale', 2, scaleModel(2));
      const newest = async () => (await get(`${url}/v2/models/scale`)).json.versions;
      await until(async () => String(await newest()) === '2');
    });
  }));

test('a version that does not load leaves the old one; a mended one is taken; a model may come and go', () =>
  inTemporaryFolder(async (folder) => {
    addVersion(folder, 'scale', 1, scaleModel(1));
    await withServer(folder, {}, async ({ url, reload, lines }) => {
      const infer = `${url}/v2/models/scale/infer`;
      mkdirSync(path.join(folder, 'scale', '2'));
      writeFileSync(path.join(folder, 'scale', '2', 'model.onnx'), 'half a mod');
      await reload();
      expect(lines.join('\n')).toMatch(/version 2 does not load: .*; version 1 stays/);
      expect(firstData(await post(infer, scaleRequest(ROW)))).toEqual(ROW);

      rmSync(path.join(folder, 'scale', '2'), { recursive: true });
      addVersion(folder, 'scale', 2, scaleModel(2));
      addVersion(folder, 'other', 1, scaleModel(5));
      await reload();
      expect(firstData(await post(infer, scaleRequest(ROW)))).toEqual([2, 4, 6, 8]);
      const other = `${url}/v2/models/other/infer`;
      expect(firstData(await post(other, scaleRequest(ROW)))).toEqual([5, 10, 15, 20]);

      rmSync(path.join(folder, 'other'), { recursive: true });
      await reload();
      expect((await post(other, scaleRequest(ROW))).status).toBe(404);
    });
  }));
