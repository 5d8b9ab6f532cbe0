/** What is in the folder of a run: bundle, settings, checkpoints and logs. */
import { cpSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { readNewestCheckpoint } from '../../../src/run/checkpoints';
import { MetricsLog } from '../../../src/run/metricsLog';
import { openRun } from '../../../src/run/openRun';
import { storedRun } from '../../../src/run/storedRun';
import { readValidation, readValidationIndices } from '../../../src/run/validationFile';
import { readRuns } from '../../../src/report/runView';
import { snapshots } from '../../../src/report/watch';
import { readBundle } from '../../../src/bundle/read';
import { openModel } from '../../../src/inference/openModel';
import type { Reader } from './reader';

const quiet = () => {};
const copyRun: Reader['make'] = (folder, material) => {
  cpSync(path.join(material, 'fine'), path.join(folder, 'fine'), { recursive: true });
  rmSync(path.join(folder, 'fine', 'tensorboard'), { recursive: true });
};

const read = (folder: string) => path.join(folder, 'fine');

function ofRun(name: string, damaged: RegExp, readIt: (directory: string) => unknown, weight = 1): Reader {
  return { name, damaged, weight, make: copyRun, read: (folder) => readIt(read(folder)) };
}

export const RUNS: readonly Reader[] = [
  ofRun('manifest.json', /graph\/manifest\.json$/, (run) => readBundle(run), 3),
  ofRun('run.json', /\/run\.json$/, (run) => [storedRun(run, quiet), readRuns([run], quiet)], 2),
  ofRun('load-report.json', /load-report\.json$/, (run) => readRuns([run], quiet)),
  ofRun('newest checkpoint', /step-6\.safetensors$/, (run) => readNewestCheckpoint(run, quiet), 3),
  ofRun('all checkpoints', /checkpoints\//, (run) => openRun({ directory: run, provider: 'cpu' }, quiet)),
  ofRun(
    'metrics.jsonl: report and watch',
    /metrics\.jsonl$/,
    (run) => [readRuns([run], quiet), snapshots(run)()],
    2,
  ),
  ofRun(
    'metrics.jsonl: --resume',
    /metrics\.jsonl$/,
    (run) => new MetricsLog(path.join(run, 'metrics.jsonl'), 4).close(),
    2,
  ),
  ofRun('validation.jsonl', /validation\.jsonl$/, (run) => [
    readValidation(path.join(run, 'validation.jsonl')),
    readRuns([run], quiet),
  ]),
  ofRun('validation.json', /validation\.json$/, (run) => readValidationIndices(run)),
  ofRun('graphs of a run', /graph\/(encoder|eval)\.onnx$/, async (run) => {
    const model = await openModel({ model: run, threads: 1 }, quiet);
    await model.close();
  }),
  {
    name: 'names in a run',
    isTree: true,
    make: copyRun,
    read: (folder) => [
      readdirSync(folder).includes('fine') && openRun({ directory: read(folder), provider: 'cpu' }, quiet),
    ],
  },
];
