/** An exported model repository: what servers read in it, versions, and what is refused. */
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { z } from 'zod';
import { exportRepository, type RepositoryOptions } from '../../../src/export/repository/exportRepository';
import type { HostTensor } from '../../../src/tensors/dtype';
import { createSession } from '../../../src/runtime/session';
import { exportRun } from '../../../src/export/exportRun';
import type { sources } from '../../support/ovmsSchema';
import { ovmsSchema } from '../../support/ovmsSchema';
import { repositoryRoot } from '../../support/paths';
import { snapshot } from '../../support/snapshot';
import { inTemporaryFolder } from '../../support/temporary';
import { schemaErrors } from '../../support/tritonSchema';
import { CLASSES, writeSmallRun } from '../../support/smallRun';

const MODELS = ['pets', 'pets_photo', 'pets_preprocess'];

type Add = (options?: Partial<RepositoryOptions>) => ReturnType<typeof exportRepository>;

/** A folder with the classifier's run and its repository, made once; `inCopy` works on copies of it. */
let made = '';
beforeAll(async () => {
  made = mkdtempSync(path.join(tmpdir(), 'selfie-onnx-'));
  writeSmallRun(path.join(made, 'pets'), 'finetune');
  await exportRepository({ directory: path.join(made, 'pets'), out: path.join(made, 'repository') });
});
afterAll(() => rmSync(made, { recursive: true, force: true }));

const inCopy = (body: (repository: string, add: Add, run: string) => Promise<void> | void) =>
  inTemporaryFolder((folder) => {
    cpSync(made, folder, { recursive: true });
    const [run, repository] = [path.join(folder, 'pets'), path.join(folder, 'repository')];
    return body(
      repository,
      (options) => exportRepository({ directory: run, out: repository, ...options }),
      run,
    );
  });

const read = (...parts: string[]) => readFileSync(path.join(...parts), 'utf8');

/** What every exported repository must hold. */
function checkFiles(repository: string, classes: readonly string[] | null, outputs: readonly string[]): void {
  const smoke = ['smoke-answer.txt', 'smoke-request.json'];
  expect([...snapshot(repository).keys()].sort()).toEqual(
    [
      ...['README.md', 'config.json', 'kserve.yaml', 'smoke.sh'],
      ...['pets/1/model.onnx', 'pets/config.pbtxt', ...smoke.map((file) => `pets/${file}`)],
      ...(classes ? ['pets/labels.txt'] : []),
      ...['pets_photo/1/README.md', 'pets_photo/config.pbtxt', ...smoke.map((file) => `pets_photo/${file}`)],
      ...['pets_preprocess/1/model.onnx', 'pets_preprocess/config.pbtxt'],
    ].sort(),
  );
  for (const model of MODELS) expect(schemaErrors(read(repository, model, 'config.pbtxt'))).toEqual([]);
  const config = read(repository, 'pets', 'config.pbtxt');
  for (const output of outputs) expect(config).toContain(`name: "${output}"`);
  expect(config.match(/label_filename: "labels.txt"/g) ?? []).toHaveLength(classes ? 2 : 0);
  if (classes) expect(read(repository, 'pets', 'labels.txt')).toBe(`${classes.join('\n')}\n`);

  const ovms = ovmsSchema.parse(JSON.parse(read(repository, 'config.json')));
  const bases = ovms.model_config_list.map((each) => each.config.base_path);
  expect(bases).toEqual(['pets', 'pets_preprocess']);
  const [pipeline] = ovms.pipeline_config_list;
  expect(pipeline.outputs.map((each) => Object.keys(each)[0])).toEqual(outputs);
  // Every source is the request or what a node before gives.
  const given = new Set(pipeline.inputs.map((item) => `request ${item}`));
  const check = (items: z.infer<typeof sources>) => {
    for (const { node_name: node, data_item: item } of items.flatMap((each) => Object.values(each)))
      expect(given).toContain(`${node} ${item}`);
  };
  for (const { name, inputs, outputs: made } of pipeline.nodes) {
    check(inputs);
    for (const { alias } of made) given.add(`${name} ${alias}`);
  }
  check(pipeline.outputs);

  expect(statSync(path.join(repository, 'smoke.sh')).mode & 0o111).toBe(0o111);
  expect(spawnSync('sh', ['-n', path.join(repository, 'smoke.sh')]).status).toBe(0);
  expect(read(repository, 'kserve.yaml')).toContain('storageUri: "FILL IN');
}

test('a classifier: files, and configurations by the schemas of their servers', () =>
  inCopy((repository) => checkFiles(repository, CLASSES, ['embedding', 'logits', 'probabilities'])));

test('an encoder in half precision, with its map', () =>
  inTemporaryFolder(async (folder) => {
    const directory = path.join(folder, 'pets');
    writeSmallRun(directory, 'pretrain');
    const out = path.join(folder, 'new', 'repository');
    const report = await exportRepository({ directory, out, precision: 'float16', map: true });
    expect(report).toMatchObject({ version: '1', names: { model: 'pets' } });
    expect(report.photoError).toBeLessThan(1e-2);
    checkFiles(out, null, ['embedding', 'map']);
  }));

const python = process.env.SELFIE_PYTHON ?? 'python3';
const client = spawnSync(python, ['-c', 'import tritonclient.grpc.model_config_pb2']).status === 0;
if (!client) process.stderr.write(`skipped: needs tritonclient[grpc] in ${python} (or SELFIE_PYTHON)\n`);

(client ? test : test.skip)("configurations by the messages of Triton's own client", () =>
  inCopy((repository) => {
    const check = (...files: string[]) => {
      const script = path.join(repositoryRoot, 'tools', 'consumers', 'repository.py');
      const { stdout } = spawnSync(python, [script, 'triton', ...files], { encoding: 'utf8' });
      return JSON.parse(stdout) as unknown;
    };
    const files = MODELS.map((model) => path.join(repository, model, 'config.pbtxt'));
    expect(check(...files)).toMatchObject({ checked: 3 });
    writeFileSync(files[0], `${readFileSync(files[0], 'utf8')}instances: 2\n`);
    expect(check(files[0])).toEqual({ error: expect.stringContaining('instances') as string });
  }),
);

test('preprocessing and model are the export for photographs', () =>
  inCopy(async (repository, _, run) => {
    const whole = path.join(repository, 'photo.onnx');
    await exportRun({ directory: run, out: whole, input: 'photo' });
    const [height, width] = [37, 61];
    const data = Uint8Array.from({ length: 2 * height * width * 3 }, (_, i) => (i * i) % 251);
    const compute = async (file: string, image: HostTensor, output: string) => {
      const session = await createSession(file, { provider: 'cpu', threads: 1 });
      const outputs = await session.run(new Map([['image', image]])).finally(() => session.release());
      return outputs.get(output) as HostTensor;
    };
    const photos: HostTensor = { dtype: 'uint8', shape: [2, height, width, 3], data };
    const expected = await compute(whole, photos, 'logits');
    const pixels = await compute(path.join(repository, 'pets_preprocess/1/model.onnx'), photos, 'pixels');
    expect(pixels.shape).toEqual([2, 3, 32, 32]);
    const logits = await compute(path.join(repository, 'pets/1/model.onnx'), pixels, 'logits');
    expect(logits.shape).toEqual([2, 3]);
    Array.from(expected.data as Float32Array).forEach((value, i) =>
      expect((logits.data as Float32Array)[i]).toBeCloseTo(value, 5),
    );
  }));

test('another version and another model leave what is there; a tuned configuration stays', () =>
  inCopy(async (repository, add) => {
    const tuned = read(repository, 'pets', 'config.pbtxt').replace('max_batch_size: 32', 'max_batch_size: 4');
    writeFileSync(path.join(repository, 'pets', 'config.pbtxt'), tuned);
    writeFileSync(path.join(repository, 'README.md'), 'ours');
    const ours = { config: { name: 'ours', base_path: '/ours', nireq: 2 } };
    const config = JSON.parse(read(repository, 'config.json')) as { model_config_list: unknown[] };
    config.model_config_list.unshift(ours);
    writeFileSync(path.join(repository, 'config.json'), JSON.stringify(config));
    mkdirSync(path.join(repository, 'ours', '7'), { recursive: true });
    writeFileSync(path.join(repository, 'ours', '7', 'model.xml'), '<net/>');
    const before = snapshot(repository);

    expect(await add()).toMatchObject({ version: '2' });
    expect(await add({ name: 'other', kind: 'encoder', storageUri: 'pvc://claim/here' })).toMatchObject({
      version: '1',
      names: { photo: 'other_photo' },
    });
    const after = snapshot(repository);
    for (const [file, text] of before)
      if (!['config.json', 'kserve.yaml'].includes(file))
        expect([file, after.get(file)]).toEqual([file, text]);
    for (const model of MODELS)
      expect(readdirSync(path.join(repository, model)).filter((name) => /^\d+$/.test(name))).toEqual([
        '1',
        '2',
      ]);
    const merged = JSON.parse(read(repository, 'config.json')) as z.infer<typeof ovmsSchema>;
    expect(merged.model_config_list.map((each) => each.config.name)).toEqual([
      'ours',
      'pets',
      'pets_preprocess',
      'other',
      'other_preprocess',
    ]);
    expect(merged.model_config_list[0]).toEqual(ours);
    expect(merged.pipeline_config_list.map(({ name }) => name)).toEqual(['pets_photo', 'other_photo']);
    expect(read(repository, 'kserve.yaml')).toContain('name: repository\n');
    expect(read(repository, 'kserve.yaml')).toContain('storageUri: "pvc://claim/here"');
    expect(readdirSync(path.dirname(repository)).sort()).toEqual(['pets', 'repository']);
  }));

test('what is refused changes nothing', () =>
  inCopy(async (repository, add, run) => {
    const before = snapshot(repository);
    const refused = async (options: Partial<RepositoryOptions>, message: string) => {
      await expect(add(options)).rejects.toThrow(message);
      expect(snapshot(repository)).toEqual(before);
      expect(readdirSync(path.dirname(repository)).sort()).toEqual(['pets', 'repository']);
    };
    await refused({ name: 'a/b' }, '--name a/b: expected at most 100 letters');
    await refused(
      { kind: 'encoder', map: true },
      "it is another model's: it has output logits TYPE_FP32 [3] named by labels.txt, " +
        'the exported model has output map TYPE_FP32 [32, 16, 16]; choose another --name',
    );
    const names = path.join(repository, 'pets', 'labels.txt');
    writeFileSync(names, 'cat\nfox\nemu\n');
    before.set('pets/labels.txt', 'cat\nfox\nemu\n');
    await refused({}, "labels.txt: it is another model's: class 1 is fox, not dog; choose another --name");
    await refused({ storageUri: 'here' }, '--storage-uri here: expected an address');
    await refused({ precision: 'int8' }, '--precision int8: give --data');
    await refused({ out: run }, 'it has a folder checkpoints, which is no model');
    await refused({ out: path.join(repository, 'smoke.sh') }, 'it is a file');

    writeFileSync(path.join(repository, 'config.json'), '{"model_type": "resnet"}');
    before.set('config.json', '{"model_type": "resnet"}');
    await refused({}, 'it is no configuration of OpenVINO Model Server');

    renameSync(run, `${run} again`);
    await expect(exportRepository({ directory: `${run} again`, out: repository })).rejects.toThrow(
      "pets again: the name of the folder cannot be a model's; give --name",
    );
  }));
