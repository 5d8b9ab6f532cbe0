/** `selfie export DIR --out FILE.onnx` */
import { readBundle } from '../bundle/read';
import { UserError } from '../errors';
import type { ExportKind } from '../export/embed';
import { exportModel, type ExportReport } from '../export/exportModel';
import { pickCheckpoint } from '../training/checkpoints';
import { readRun } from '../training/runFolder';
import { requireState } from '../training/stateTypes';
import { defineCommand, directory, print, text, warn } from './command';

export const exportCommand = defineCommand({
  name: 'export',
  describe: 'write a trained network as one ONNX file for inference, checked before it is there',
  examples: [
    ['export models/mini --out encoder.onnx', 'images -> embedding'],
    ['export models/fine --out classifier.onnx --license "CC BY 4.0"', 'images -> logits'],
  ],
  positionals: { dir: directory },
  options: {
    out: { ...text('the .onnx file to write'), demandOption: true },
    kind: {
      choices: ['encoder', 'classifier'],
      requiresArg: true,
      describe: 'default: classifier after finetuning, encoder after pretraining',
    },
    checkpoint: text('step or .safetensors file (default: the newest)'),
    license: text("licence of the training data, for the file's metadata"),
  },
  run: async ({ dir, out, kind, checkpoint, license }) => {
    print(formatExport(await exportRun({ directory: dir, out, kind, checkpoint, license })));
  },
});

export interface ExportRunOptions {
  readonly directory: string;
  readonly out: string;
  readonly kind?: ExportKind;
  readonly checkpoint?: string;
  readonly license?: string;
}

/** Exports a run's checkpoint. Throws a UserError for whatever is not there or does not fit. */
export async function exportRun({
  directory,
  out,
  kind,
  checkpoint,
  license,
}: ExportRunOptions): Promise<ExportReport> {
  if (!out.endsWith('.onnx')) throw new UserError(`--out ${out}: expected a name that ends in .onnx`);
  const bundle = readBundle(directory);
  const { file, state, step } = pickCheckpoint(directory, checkpoint, warn);
  requireState(file, state, bundle.manifest);
  return exportModel({
    bundle,
    state,
    out,
    kind: kind ?? (bundle.manifest.recipe.task === 'finetune' ? 'classifier' : 'encoder'),
    details: { classes: readRun(directory)?.classes ?? null, license: license ?? null, step },
  });
}

export const formatExport = ({ file, kind, images, error }: ExportReport) =>
  `${file}: ${kind}, equal to the trainer's evaluation graph on ${images} images ` +
  `(largest difference ${error.toExponential(1)} of the largest value)`;
