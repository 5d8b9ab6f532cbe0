/** Models and weights of others, model repositories, recipes, experiments and tuned tables. */
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { buildBundle } from '../../../graphs/tasks';
import { loadRecipe } from '../../../graphs/recipes/load';
import { parseExperiment } from '../../../src/experiment/schema';
import { readProgram } from '../../../src/base/loadModule';
import { readTable } from '../../../src/compile/tunedTable';
import { openModel } from '../../../src/inference/openModel';
import { readModel } from '../../../src/onnx/files';
import { readEnsemble } from '../../../src/repository/ensembleConfig';
import { readRepository } from '../../../src/repository/layout';
import { readModelConfig } from '../../../src/repository/modelConfig';
import { parseTextFormat } from '../../../src/repository/textFormat';
import { startServer } from '../../../src/serving/server';
import { readSafetensors, writeSafetensors } from '../../../src/tensors/safetensors';
import { ROOT } from '../commands/program';
import type { Reader } from './reader';

const quiet = () => {};
const at = (folder: string, name: string) => path.join(folder, name);
const FIXTURES = path.join(ROOT, 'test', 'fixtures', 'onnx');

const copyClassifier: Reader['make'] = (folder, material) =>
  copyFileSync(at(material, 'classifier.onnx'), at(folder, 'model.onnx'));

const RECIPE = {
  task: 'finetune',
  image: { size: 32, channels: 3, mean: [0.47, 0.47, 0.47], std: [0.2, 0.2, 0.2] },
  network: { stages: [1, 1], width: 4, classes: 10 },
  batch: 8,
  optimizer: { name: 'sgd', momentum: 0.9, nesterov: true, weightDecay: 5e-4 },
  schedule: { kind: 'cosine', peak: 0.05, warmupSteps: 3, steps: 35 },
  augment: { pad: 0, flip: true },
};
const writeRecipe: Reader['make'] = (folder) =>
  writeFileSync(at(folder, 'mine.json'), JSON.stringify(RECIPE));

const CONFIG = `name: "fine"
platform: "onnxruntime_onnx"
max_batch_size: 8
input [{ name: "images" data_type: TYPE_UINT8 dims: [32, 32, 3] }]
output [{ name: "probabilities" data_type: TYPE_FP32 dims: [3] label_filename: "labels.txt" }]
version_policy { latest { num_versions: 2 } }
ensemble_scheduling { step [{ model_name: "a" model_version: -1 input_map { key: "x" value: "images" } output_map { key: "z" value: "probabilities" } }] }
`;
const makeRepository: Reader['make'] = (folder, material) => {
  mkdirSync(at(folder, 'fine/1'), { recursive: true });
  copyFileSync(at(material, 'classifier.onnx'), at(folder, 'fine/1/model.onnx'));
  writeFileSync(at(folder, 'fine/labels.txt'), 'apple\npear\nplum\n');
  writeFileSync(at(folder, 'fine/config.pbtxt'), CONFIG.replace(/ensemble.*\n/, ''));
};

async function serveOnce(directory: string): Promise<void> {
  const options = {
    ...{ directory, host: '127.0.0.1', port: 0, maxBatch: 8, delay: 1, maxQueue: 8, maxBody: 2 ** 20 },
    ...{ requestTimeout: 1000, reloadEvery: 0, threads: 1, provider: 'cpu' as const, grpcPort: undefined },
  };
  const server = await startServer(options, { say: quiet, warn: quiet });
  await server.stop(0);
}

export const MODELS: readonly Reader[] = [
  {
    name: 'onnx: read',
    weight: 4,
    make: copyClassifier,
    read: (folder) => readModel(at(folder, 'model.onnx')),
  },
  {
    name: 'onnx: run',
    make: copyClassifier,
    read: async (folder) => (await openModel({ model: at(folder, 'model.onnx'), threads: 1 }, quiet)).close(),
  },
  {
    name: 'onnx: external data',
    make: (folder) => {
      for (const name of ['external.onnx', 'external.data'])
        copyFileSync(at(FIXTURES, name), at(folder, name));
    },
    read: (folder) => readModel(at(folder, 'external.onnx')),
  },
  {
    name: 'safetensors',
    weight: 4,
    make: (folder) =>
      writeSafetensors(
        at(folder, 'weights.safetensors'),
        [
          ['conv1.weight', { dtype: 'float32', shape: [2, 3], data: new Float32Array(6) }],
          ['steps', { dtype: 'int64', shape: [1], data: new BigInt64Array(1) }],
        ],
        { format: 'pt' },
      ),
    read: (folder) => readSafetensors(at(folder, 'weights.safetensors')),
  },
  {
    name: 'config.pbtxt',
    weight: 2,
    damaged: /config\.pbtxt$/,
    make: (folder) => {
      writeFileSync(at(folder, 'config.pbtxt'), CONFIG);
      writeFileSync(at(folder, 'labels.txt'), 'apple\npear\nplum\n');
    },
    read: (folder) => {
      readModelConfig(folder);
      readEnsemble(
        parseTextFormat(readFileSync(at(folder, 'config.pbtxt'), 'utf8'), 'config.pbtxt'),
        8,
        'config.pbtxt',
      );
    },
  },
  { name: 'repository: names', isTree: true, make: makeRepository, read: (folder) => readRepository(folder) },
  { name: 'repository: served', make: makeRepository, read: serveOnce },
  {
    name: 'recipe: read',
    weight: 3,
    make: writeRecipe,
    read: (folder) => loadRecipe(at(folder, 'mine.json')),
  },
  {
    name: 'recipe: built',
    damaged: /mine\.json$/,
    make: writeRecipe,
    read: (folder) => buildBundle('mine', loadRecipe(at(folder, 'mine.json')).recipe, at(folder, 'built')),
  },
  {
    name: 'tuned table',
    make: (folder) =>
      copyFileSync(path.join(ROOT, 'graphs', 'tuned', 'cpu.json'), at(folder, 'a.tuned.json')),
    read: (folder) => readTable(at(folder, 'a.tuned.json')),
  },
  {
    name: 'experiment file',
    make: (folder, material) => copyFileSync(at(material, 'grid.json'), at(folder, 'grid.json')),
    read: (folder) => parseExperiment(readProgram(at(folder, 'grid.json'), 'experiment'), 'grid.json'),
  },
];
