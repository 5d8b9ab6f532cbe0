/** Ensembles: models one after another, with tensors renamed between them. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { addVersion, scaleModel } from '../../../tools/bench/servingModel';
import { readModelConfig } from '../../../src/repository/modelConfig';
import { firstData, get, post, scaleRequest, withServer } from '../../support/serving';
import { inTemporaryFolder } from '../../support/temporary';
import { userErrorOf } from '../../support/userError';

const PORTS = `
name: "both" platform: "ensemble" max_batch_size: 8
input [ { name: "x" data_type: TYPE_FP32 dims: [ 4 ] } ]
output [ { name: "y" data_type: TYPE_FP32 dims: [ -1 ] }, { name: "negative" data_type: TYPE_FP32 dims: [ 4 ] } ]`;

/** y = -(x doubled) tripled, negative = the same times -1; the steps are not in their order. */
const CONFIG = `${PORTS}
ensemble_scheduling { step [
  { model_name: "triple" model_version: -1
    input_map { key: "x" value: "between" }
    output_map { key: "y" value: "y" } output_map { key: "negative" value: "negative" } },
  { model_name: "double" model_version: 1
    input_map { key: "x" value: "x" }
    output_map { key: "negative" value: "between" } output_map { key: "y" value: "unused" } }
] }`;

interface Statistics {
  readonly inference_count: number;
  readonly last_inference: number;
  readonly inference_stats: { readonly success: { readonly count: number } };
}

function writeEnsemble(repository: string, config: string): string {
  const folder = path.join(repository, 'both');
  mkdirSync(path.join(folder, '1'), { recursive: true });
  writeFileSync(path.join(folder, 'config.pbtxt'), config);
  return folder;
}

test('steps in the order of their tensors, versions, outputs asked for, metadata', () =>
  inTemporaryFolder(async (folder) => {
    addVersion(folder, 'double', 1, scaleModel(2));
    addVersion(folder, 'double', 2, scaleModel(200));
    writeFileSync(path.join(folder, 'double', 'config.pbtxt'), 'version_policy { all {} }');
    addVersion(folder, 'triple', 1, scaleModel(3));
    writeFileSync(path.join(folder, 'triple', 'labels.txt'), 'one\ntwo\nthree\nfour\n');
    writeEnsemble(folder, CONFIG);
    await withServer(folder, {}, async ({ url, reload, lines }) => {
      const both = `${url}/v2/models/both`;
      expect((await get(both)).json).toEqual({
        name: 'both',
        versions: ['1'],
        platform: 'ensemble',
        inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 4] }],
        outputs: [
          { name: 'y', datatype: 'FP32', shape: [-1, -1] },
          { name: 'negative', datatype: 'FP32', shape: [-1, 4] },
        ],
      });
      expect((await get(`${both}/config`)).json).toMatchObject({
        platform: 'ensemble',
        max_batch_size: 8,
        input: [{ name: 'x', data_type: 'TYPE_FP32', dims: [4] }],
        ensemble_scheduling: {
          step: [
            { model_name: 'double', model_version: 1, input_map: { x: 'x' } },
            { model_name: 'triple', model_version: -1, input_map: { x: 'between' } },
          ],
        },
      });
      const row = [1, 2, 3, 4];
      const answer = await post(`${both}/infer`, scaleRequest(row, ['negative', 'y']));
      expect(answer.json.outputs).toEqual([
        { name: 'negative', datatype: 'FP32', shape: [1, 4], data: [6, 12, 18, 24] },
        { name: 'y', datatype: 'FP32', shape: [1, 4], data: [-6, -12, -18, -24] },
      ]);
      const answers = await Promise.all(
        Array.from({ length: 20 }, (_, i) => post(`${both}/infer`, scaleRequest([i, 0, 0, 1]))),
      );
      answers.forEach((each, i) => expect(firstData(each)).toEqual([-6 * i, -0, -0, -6].map((v) => v || 0)));
      const refused = async (body: unknown) => (await post(`${both}/infer`, body)).json.error;
      expect(await refused(scaleRequest(Array<number>(36).fill(1)))).toContain('a batch of 9 is more than 8');
      expect(await refused(scaleRequest(row, ['between']))).toContain('there is no output between');

      const counts = async (model: string) => {
        const { json } = await get(`${url}/v2/models/${model}/stats`);
        const [stats] = json.model_stats as Statistics[];
        return [stats.inference_count, stats.inference_stats.success.count, stats.last_inference > 0];
      };
      const two = await counts('both');
      await post(`${both}/infer`, scaleRequest([...row, ...row]));
      expect(await counts('both')).toEqual([Number(two[0]) + 2, Number(two[1]) + 1, true]);
      expect(await counts('triple')).toEqual(await counts('both'));

      // A new version of a step is taken, and one that is gone is missed.
      addVersion(folder, 'triple', 2, scaleModel(30));
      await reload();
      expect(firstData(await post(`${both}/infer`, scaleRequest(row)))).toEqual([-60, -120, -180, -240]);
      rmSync(path.join(folder, 'triple'), { recursive: true });
      await reload();
      expect((await get(`${both}/ready`)).status).toBe(503);
      expect((await get(`${url}/v2/health/ready`)).status).toBe(503);
      await reload();
      expect(lines.filter((line) => line.includes('model both: version 1 does not load'))).toHaveLength(1);
      addVersion(folder, 'triple', 1, scaleModel(3));
      await reload();
      expect(firstData(await post(`${both}/infer`, scaleRequest(row)))).toEqual([-6, -12, -18, -24]);
    });
  }));

test('what does not fit is said when it loads', () =>
  inTemporaryFolder(async (folder) => {
    addVersion(folder, 'double', 1, scaleModel(2));
    addVersion(folder, 'triple', 1, scaleModel(3));
    const cases: [config: string, problem: string][] = [
      [CONFIG.replace('"triple"', '"quadruple"'), 'there is no model quadruple'],
      [CONFIG.replace('model_version: 1', 'model_version: 3'), 'model double has no version 3'],
      [CONFIG.replace('key: "x" value: "between"', 'key: "z" value: "between"'), 'nothing for its input x'],
      [CONFIG.replace('key: "negative" value: "between"', 'key: "w" value: "between"'), 'no output of it'],
      [CONFIG.replace('dims: [ -1 ]', 'dims: [ 5 ]'), 'output y must be FP32 [-1, 5], but y is FP32 [-1, 4]'],
    ];
    for (const [config, problem] of cases) {
      writeEnsemble(folder, config);
      await withServer(folder, {}, async ({ url, lines }) => {
        expect(lines.join('\n')).toContain(problem);
        expect((await get(`${url}/v2/models/double/ready`)).status).toBe(200);
        expect((await post(`${url}/v2/models/both/infer`, scaleRequest([1, 2, 3, 4]))).status).toBe(503);
      });
    }
  }));

test('a config that contradicts itself names the file', () =>
  inTemporaryFolder((folder) => {
    const step = (fields: string) => `${PORTS} ensemble_scheduling { step { ${fields} } }`;
    const maps = 'input_map { key: "x" value: "x" } output_map { key: "y" value: "y" }';
    const cases: [config: string, problem: string][] = [
      [PORTS, 'has no ensemble_scheduling'],
      ['platform: "ensemble"', 'has no input'],
      [step(maps), 'a step has no model_name'],
      [step(`model_name: "m" ${maps}`), 'no step makes the output negative'],
      [step('model_name: "m" input_map { key: "x" value: "x" }'), 'needs input_map and output_map'],
      [step(`model_name: "m" model_namespace: "n" ${maps}`), 'model_namespace is not served'],
      [step(`model_name: "m" model_version: 0 ${maps}`), 'model_version 0'],
      [CONFIG.replace('value: "unused"', 'value: "y"'), 'makes y, which triple gives already'],
      [CONFIG.replace('key: "x" value: "x"', 'key: "x" value: "y"'), 'which no input and no step before it'],
      [CONFIG.replace('dims: [ 4 ]', 'dims: [ 0 ]'), 'input x: dims 0'],
      [CONFIG.replace('TYPE_FP32', 'TYPE_STRING'), 'datatype STRING is not served'],
    ];
    for (const [config, problem] of cases) {
      const both = writeEnsemble(folder, config);
      const message = userErrorOf(() => readModelConfig(both));
      expect(message).toContain(path.join(both, 'config.pbtxt'));
      expect(message).toContain(problem);
    }
  }));
