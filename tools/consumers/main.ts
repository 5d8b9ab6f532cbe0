/** `npm run test:consumers`: exported models in every runtime that is there, beside the trainer's own numbers. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import yargs from 'yargs';
import { append, maxOf } from '../../src/base/lists';
import { largestDifference, SETTINGS } from '../../src/export/compare';
import { IMAGE } from '../../src/export/model/network';
import { readSafetensors } from '../../src/tensors/safetensors';
import type { HostTensor } from '../../src/tensors/dtype';
import { createSession } from '../../src/runtime/session';
import { runtimeVersion } from '../../src/runtime/version';
import { cardRows } from './card';
import { clientRows } from './clients';
import type { Consumer, Limits } from './consumer';
import { makeFiles, type ConsumerFile } from './files';
import { startProcess } from './process';
import { consumersPython } from './python';
import { repositoryRows } from './repository';
import { torchvisionRow } from './torchvision';
import { printTable } from './table';
import { startWeb } from './web';

/** consumer, version, file, what came of it: its first line in a column, others below the row */
export type Row = readonly [
  consumer: string,
  version: string,
  file: string,
  result: string,
  good: boolean | null,
];

const ROOT = path.resolve(__dirname, '..', '..', '..');

/** Trained networks whose model cards are tried: those of files.ts, and torchvision's. */
const CARDS = ['encoder', 'classifier', 'hybrid', 'resnet50'];

const LIMITS: Readonly<Record<string, Limits>> = {
  opencv: [
    [/-(photo|uint8)/, 'OpenCV takes images in float32 and of a fixed size'],
    [/-(float16|int8)/, 'OpenCV has no kernels for it'],
  ],
};

function startNode(): Promise<Consumer> {
  return Promise.resolve({
    version: runtimeVersion(),
    run: async ({ model, inputs }) => {
      const image = readSafetensors(inputs).tensors.get('image') as HostTensor;
      const session = await createSession(model, SETTINGS);
      return session.run(new Map([[IMAGE, image]])).finally(() => session.release());
    },
    close: () => Promise.resolve(),
  });
}

/** Largest difference of any output, over the output's largest value: to the trainer's where it gives it, else to `known`. */
function difference(
  file: ConsumerFile,
  outputs: ReadonlyMap<string, HostTensor>,
  known: ReadonlyMap<string, HostTensor> | undefined,
): number {
  const each = file.outputs.map((name) => {
    const found = outputs.get(name)?.data as Float32Array | undefined;
    const wanted = file.expected.get(name) ?? (known?.get(name)?.data as Float32Array | undefined) ?? found;
    return found && wanted ? largestDifference(found, wanted) : Infinity;
  });
  return maxOf(each);
}

async function main(): Promise<void> {
  const options = await yargs(process.argv.slice(2))
    .scriptName('npm run test:consumers --')
    .options({
      python: {
        type: 'string',
        describe: 'interpreter (default: tools/consumers/.venv, made where it does not exist)',
      },
      only: { type: 'string', describe: 'one consumer, or card: the model cards' },
    })
    .strict()
    .parse();
  const progress = (line: string) => process.stderr.write(`${line}\n`);
  const needsPython = !options.only || !/^onnxruntime-/.test(options.only);
  const python = needsPython ? consumersPython(ROOT, options.python, progress) : '';
  const script = path.join(ROOT, 'tools', 'consumers', 'consume.py');
  const inPython = (name: string) => () => startProcess(name, python, [script, name]);
  const starts: [string, () => Promise<Consumer | { readonly missing: string }>][] = [
    ['onnxruntime-node', startNode],
    ['onnxruntime', inPython('onnxruntime')],
    ['reference', inPython('reference')],
    ['opencv', inPython('opencv')],
    ['openvino', inPython('openvino')],
    ['onnxruntime-web', () => startWeb('wasm')],
    ['onnxruntime-web-webgpu', () => startWeb('webgpu')],
  ];
  const folder = mkdtempSync(path.join(tmpdir(), 'selfie-consumers-'));
  const rows: Row[] = [];
  try {
    const files = await makeFiles(folder, progress);
    const known = new Map<ConsumerFile, Map<string, HostTensor>>();
    for (const [name, start] of starts) {
      if (options.only && options.only !== name && name !== 'onnxruntime-node') continue;
      progress(name);
      const consumer = await start();
      if ('missing' in consumer) {
        rows.push([name, '', 'all', `skipped: ${consumer.missing}`, null]);
        continue;
      }
      for (const file of files) rows.push(await tryFile(name, consumer, file, known));
      await consumer.close();
    }
    if (!options.only || options.only === 'torchvision')
      rows.push(await torchvisionRow(folder, python, ROOT, progress));
    if (!options.only || options.only === 'card')
      append(rows, await cardRows(folder, options.only ? CARDS.slice(0, 3) : CARDS, python, ROOT, progress));
    if (!options.only || /^(tritonclient|kserve)/.test(options.only))
      append(rows, await clientRows(folder, files, python, ROOT, options.only));
    const setting = { root: ROOT, python, asked: options.python, progress };
    append(rows, await repositoryRows(folder, setting, (name) => !options.only || options.only === name));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  printTable(rows);
  if (rows.some(([, , , , good]) => good === false)) process.exitCode = 1;
}

async function tryFile(
  name: string,
  consumer: Consumer,
  file: ConsumerFile,
  known: Map<ConsumerFile, Map<string, HostTensor>>,
): Promise<Row> {
  const limits = [...(LIMITS[name] ?? []), ...(consumer.limits ?? [])];
  const limit = limits.find(([pattern]) => pattern.test(file.name));
  if (limit) return [name, consumer.version, file.name, `skipped: ${limit[1]}`, null];
  try {
    const outputs = await consumer.run(file);
    if (name === 'onnxruntime-node') known.set(file, outputs);
    const error = difference(file, outputs, known.get(file));
    const good = error <= file.allowed;
    const result = `${error.toExponential(1)} ${good ? 'of' : 'is more than'} ${file.allowed} allowed`;
    return [name, consumer.version, file.name, result, good];
  } catch (error) {
    return [name, consumer.version, file.name, `refused: ${(error as Error).message.split('\n')[0]}`, false];
  }
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
