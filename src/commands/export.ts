/** `selfie export DIR --to FORMAT --out PATH` */
import path from 'node:path';
import { exportRun, exportRunState, type ExportRunOptions } from '../export/exportRun';
import { DEFAULT_FORM, EXPORT_INPUTS, EXPORT_KINDS, PRECISIONS } from '../export/form';
import { describeFormats, EXPORT_FORMATS, requireOptions, type ExportFormat } from '../export/formats';
import { exportHub } from '../export/hub/exportHub';
import { exportWeb } from '../export/web/exportWeb';
import type { RepositoryOptions } from '../export/repository/exportRepository';
import { OPSETS } from '../export/model/opset';
import type { TorchStateReport } from '../export/torchState';
import { SOURCE_FORMS } from '../data/sources/readers';
import { UserError } from '../base/errors';
import { refuseRepositoryOptions, runExportRepository } from './exportRepository';
import { formatExport } from './formatExport';
import { defineCommand, directory, print, text, warn, whole } from './command';

export const exportCommand = defineCommand({
  name: 'export',
  describe: 'write a trained network for other runtimes, checked before it is there',
  examples: [
    ['export models/mini --out encoder.onnx', 'image -> embedding'],
    ['export models/fine --out classifier.onnx --license "CC BY 4.0"', 'image -> logits, probabilities'],
    ['export models/fine --out any-size.onnx --input photo', 'cuts, resizes and normalizes inside'],
    [
      'export models/fine --out small.onnx --precision int8 --data cifar10:PATH',
      '8 bits, and what they cost',
    ],
    [
      'export models/fine --to model-repository --out repository',
      'for Triton, OpenVINO Model Server, KServe and `selfie serve`',
    ],
    ['export models/fine --to safetensors --out resnet50.safetensors', "torchvision's names, for PyTorch"],
    ['export models/fine --to hub --out hub --data cifar10:PATH', 'a folder to upload, card included'],
    ['export models/fine --to web --out site', 'a page that runs it in the browser'],
  ],
  positionals: { dir: directory },
  options: {
    out: { ...text('the file or folder to write'), demandOption: true },
    to: { choices: EXPORT_FORMATS, default: 'onnx' as const, requiresArg: true, describe: describeFormats() },
    kind: {
      choices: EXPORT_KINDS,
      requiresArg: true,
      describe: 'default: classifier after finetuning, encoder after pretraining',
    },
    input: {
      choices: EXPORT_INPUTS,
      requiresArg: true,
      describe: `float: normalized, channels first; uint8: pixels of the right size, channels last; photo: pixels of any size (pixels are uint16 where image.bits is 16; default: ${DEFAULT_FORM.input})`,
    },
    map: { type: 'boolean', describe: 'the last map before the average as an output too' },
    precision: {
      choices: PRECISIONS,
      requiresArg: true,
      describe: `of weights and arithmetic; int8 needs --data (default: ${DEFAULT_FORM.precision})`,
    },
    opset: whole(
      '--opset',
      OPSETS.first,
      `${OPSETS.first} to ${OPSETS.last} (default: ${DEFAULT_FORM.opset})`,
    ),
    data: text(`images to measure the file on, and to take int8's ranges from: ${SOURCE_FORMS.join(', ')}`),
    images: whole('--images', 1, 'how many test images to measure on (default: 1000)'),
    checkpoint: text('step or .safetensors file (default: the newest)'),
    license: text("licence of the training data, for the file's metadata; --to hub: of the model, too"),
    name: text("model repository: the model's name (default: that of the run's folder)"),
    'storage-uri': text('model repository: where KServe finds it'),
    workers: whole('--workers', 1, 'threads that decode'),
  },
  run: async ({ dir, to, out, map, name, storageUri, ...rest }) => {
    const { input, kind, precision, opset, data, images, checkpoint, license, workers } = rest;
    if (opset !== undefined && opset > OPSETS.last)
      throw new UserError(`--opset ${opset}: must be ${OPSETS.first} to ${OPSETS.last}`);
    const options = { input, kind, precision, opset, data, images, checkpoint, license, workers };
    const given = { ...options, map: map === true ? map : undefined };
    if (to !== 'model-repository') refuseRepositoryOptions({ name, storageUri });
    requireOptions(to, given);
    print(await RUN[to]({ directory: dir, out, name, storageUri, ...given }));
  },
});

/** Exports in each format; what it gives is told to the user. */
const RUN: Readonly<
  Record<
    ExportFormat,
    (options: ExportRunOptions & Pick<RepositoryOptions, 'name' | 'storageUri'>) => Promise<string> | string
  >
> = {
  'model-repository': (options) => runExportRepository(options, warn),
  onnx: async (options) => formatExport(await exportRun(options, warn)),
  safetensors: (options) => formatState(exportRunState(options, warn)),
  hub: async (options) => {
    const { models, weights } = await exportHub(options, warn);
    const rest = `${path.join(options.out, 'README.md')}: the model card; selfie-export.json is for the next export`;
    return [...models.map(formatExport), formatState(weights), rest].join('\n');
  },
  web: async (options) =>
    `${formatExport(await exportWeb(options, warn))}\n${options.out}: put it on any web server, such as \`npx http-server ${options.out}\``,
};

const formatState = ({ file, tensors, torchvision }: TorchStateReport) =>
  `${file}: ${tensors} tensors by torchvision's names` +
  (torchvision ? '' : ' (torchvision itself has no such network)');
