/** An exported model repository by others' schemas, in OpenVINO, and behind Triton itself. */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { readBundle } from '../../src/bundle/read';
import { evaluateImages, largestDifference } from '../../src/export/compare';
import { exportRepository } from '../../src/export/repository/exportRepository';
import { writeSafetensors } from '../../src/tensors/safetensors';
import { readSamples } from '../../src/export/samples';
import type { HostTensor } from '../../src/tensors/dtype';
import { readNewestCheckpoint } from '../../src/run/checkpoints';
import type { Row } from './main';
import { startProcess } from './process';
import { tritonRow } from './triton/triton';

const ALLOWED = 1e-4;
const answerSchema = z.union([
  z.object({ version: z.string(), checked: z.number() }),
  z.object({ missing: z.string() }),
  z.object({ error: z.string() }),
]);

const REPOSITORY_CONSUMERS = ['triton-schema', 'kserve-schema', 'openvino', 'triton'] as const;

export interface Setting {
  readonly root: string;
  readonly python: string;
  /** what --python says */
  readonly asked: string | undefined;
  readonly progress: (line: string) => void;
}

/** Exports the classifier that was trained in `folder`, in two versions and as an encoder, and tries what is wanted. */
export async function repositoryRows(
  folder: string,
  setting: Setting,
  wanted: (consumer: string) => boolean,
): Promise<Row[]> {
  const consumers = REPOSITORY_CONSUMERS.filter(wanted);
  if (consumers.length === 0) return [];
  const directory = path.join(folder, 'classifier');
  const repository = path.join(folder, 'repository');
  setting.progress('exporting a model repository');
  await exportRepository({ directory, out: repository });
  await exportRepository({ directory, out: repository, storageUri: 'pvc://models/repository' });
  await exportRepository({ directory, out: repository, name: 'encoder', kind: 'encoder', map: true });
  const rows: Row[] = [];
  for (const consumer of consumers) {
    setting.progress(`${consumer} on the repository`);
    if (consumer === 'openvino') rows.push(await openvinoRow(directory, repository, setting));
    else if (consumer === 'triton') rows.push(await tritonRow(folder, repository, setting));
    else rows.push(schemaRow(consumer, repository, setting));
  }
  return rows;
}

function schemaRow(
  consumer: 'triton-schema' | 'kserve-schema',
  repository: string,
  { root, python }: Setting,
): Row {
  const configs = readdirSync(repository, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => path.join(repository, name, 'config.pbtxt'));
  const isTriton = consumer === 'triton-schema';
  const files = isTriton ? configs : [path.join(repository, 'kserve.yaml')];
  const name = isTriton ? 'repository/*/config.pbtxt' : 'repository/kserve.yaml';
  const script = path.join(root, 'tools', 'consumers', 'repository.py');
  const check = isTriton ? 'triton' : 'kserve';
  const { stdout, stderr } = spawnSync(python, [script, check, ...files], { encoding: 'utf8' });
  const last = stdout.trim().split('\n').at(-1) ?? '';
  if (last === '') return [consumer, '', name, `refused: ${stderr.trim().split('\n').at(-1) ?? ''}`, false];
  const answer = answerSchema.parse(JSON.parse(last));
  if ('missing' in answer) return [consumer, '', name, `skipped: ${answer.missing}`, null];
  if ('error' in answer) return [consumer, '', name, `refused: ${answer.error}`, false];
  return [consumer, answer.version, name, `the schema takes ${answer.checked} of ${files.length}`, true];
}

/** Preprocessing and model one after another in the runtime of OpenVINO Model Server, beside the trainer. */
async function openvinoRow(directory: string, repository: string, { root, python }: Setting): Promise<Row> {
  const name = 'repository/classifier_preprocess + classifier';
  const consumer = await startProcess('openvino', python, [
    path.join(root, 'tools', 'consumers', 'consume.py'),
    'openvino',
  ]);
  if ('missing' in consumer) return ['openvino', '', name, `skipped: ${consumer.missing}`, null];
  const bundle = readBundle(directory);
  const state = readNewestCheckpoint(directory, () => {})?.state ?? new Map<string, HostTensor>();
  const { images } = await readSamples(bundle.manifest, 'embedded', 'test', 4);
  const run = async (model: string, image: HostTensor, output: string) => {
    const file = path.join(repository, model, '2', 'model.onnx');
    const inputs = `${repository}-${model}.safetensors`;
    writeSafetensors(inputs, [['image', image]]);
    const shared = { name: model, expected: new Map(), outputs: [output], allowed: ALLOWED };
    const found = (await consumer.run({ ...shared, model: file, inputs })).get(output);
    if (!found) throw new Error(`${model} gave no ${output}`);
    return found;
  };
  try {
    const pixels = await run('classifier_preprocess', images, 'pixels');
    const logits = await run('classifier', pixels, 'logits');
    const expected = await evaluateImages(bundle, state, images, 'logits');
    const error = largestDifference(logits.data as Float32Array, expected);
    const good = error <= ALLOWED;
    const result = `${error.toExponential(1)} ${good ? 'of' : 'is more than'} ${ALLOWED} allowed`;
    return ['openvino', consumer.version, name, result, good];
  } catch (error) {
    return ['openvino', consumer.version, name, `refused: ${(error as Error).message.split('\n')[0]}`, false];
  } finally {
    await consumer.close();
  }
}
