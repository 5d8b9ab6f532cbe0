/** Exports of a run's folder: reads bundle, checkpoint and images, and writes what was asked for. */
import { prepareFile } from '../base/files';
import { UserError } from '../base/errors';
import { openRun } from '../run/openRun';
import { exportModel, type ExportReport, type ExportRequest } from './exportModel';
import { DEFAULT_FORM, type ExportForm, type ExportKind } from './form';
import type { ExportDetails } from './metadata';
import { readSamples } from './samples';
import { exportTorchState, type TorchStateReport } from './torchState';

export interface ExportRunOptions extends Partial<ExportForm> {
  readonly directory: string;
  readonly out: string;
  /** step or file; default: the newest checkpoint */
  readonly checkpoint?: string;
  /** of the training data, for the file's metadata */
  readonly license?: string;
  /** images to measure the model on (test split) and to take int8's ranges from (training split) */
  readonly data?: string;
  /** how many images to measure on; default 1000 */
  readonly images?: number;
  readonly workers?: number;
}

/** Images that int8 takes its ranges from. */
const CALIBRATION = 256;

/** What every export of a run begins with. Throws a UserError for whatever is not there or does not fit. */
export function openForExport(
  { directory, checkpoint: which, license, kind }: Omit<ExportRunOptions, 'out'>,
  warn: (line: string) => void,
) {
  const { bundle, checkpoint, settings } = openRun({ directory, checkpoint: which }, warn);
  const { file, state, step } = checkpoint;
  const details: ExportDetails = {
    classes: settings?.classes ?? null,
    license: license ?? null,
    data: settings?.data ?? null,
    step,
  };
  const fitting: ExportKind = bundle.manifest.recipe.task === 'finetune' ? 'classifier' : 'encoder';
  return { bundle, file, state, details, kind: kind ?? fitting };
}

/** All that `exportModel` needs for a run's checkpoint. Throws a UserError for whatever is not there or does not fit. */
export async function prepareExport(
  options: ExportRunOptions,
  warn: (line: string) => void,
): Promise<ExportRequest> {
  const { out, data, images = 1000, workers } = options;
  const { kind, ...opened } = openForExport(options, warn);
  const {
    input = DEFAULT_FORM.input,
    map = DEFAULT_FORM.map,
    opset = DEFAULT_FORM.opset,
    precision = DEFAULT_FORM.precision,
  } = options;
  if (precision === 'int8' && data === undefined)
    throw new UserError('--precision int8: give --data SOURCE, of whose images it takes the ranges');
  const { manifest } = opened.bundle;
  const read = (split: 'train' | 'test', count: number) =>
    data === undefined
      ? undefined
      : readSamples(manifest, data, split, count, workers, opened.details.classes);
  const calibration = precision === 'int8' ? await read('train', CALIBRATION) : undefined;
  return {
    ...opened,
    out,
    form: { kind, input, map, opset, precision },
    calibration: calibration?.images,
    samples: await read('test', images),
  };
}

/** Exports a run's checkpoint as ONNX. Throws a UserError for whatever is not there or does not fit. */
export async function exportRun(
  options: ExportRunOptions,
  warn: (line: string) => void = () => {},
): Promise<ExportReport> {
  const { out } = options;
  if (!out.endsWith('.onnx')) throw new UserError(`--out ${out}: expected a name that ends in .onnx`);
  prepareFile('--out', out);
  return exportModel(await prepareExport(options, warn));
}

/** Exports a run's checkpoint as a state_dict. Throws a UserError for whatever is not there or does not fit. */
export function exportRunState(options: ExportRunOptions, warn: (line: string) => void): TorchStateReport {
  const { out } = options;
  if (!out.endsWith('.safetensors'))
    throw new UserError(`--out ${out}: expected a name that ends in .safetensors`);
  prepareFile('--out', out);
  const { bundle, state, details, kind } = openForExport(options, warn);
  return exportTorchState(bundle, state, out, kind, details);
}
