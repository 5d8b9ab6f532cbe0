/** `export`: a run's checkpoint as one inference model, checked against the trainer's own evaluation graph. */
import { mkdirSync, readdirSync, renameSync } from 'node:fs';
import path from 'node:path';
import { graphPath, type Bundle } from '../bundle/read';
import { UserError } from '../base/errors';
import type { HostTensor } from '../tensors/dtype';
import { readModel, writeModel, type WriteOptions } from '../onnx/files';
import type { OnnxModel } from '../onnx/model';
import { createSession } from '../runtime/session';
import { discard, discardAtExit } from '../base/temporary';
import { calibrate } from './model/calibrate';
import { BATCH, evaluateImages, largestDifference, runModel, SETTINGS } from './compare';
import { embedState } from './model/bakeWeights';
import { OUTPUT_OF, type ExportForm, type Precision } from './form';
import { IMAGE, pixelsOf } from './model/input';
import { measure, type Measurement } from './measure';
import { exportMetadata, type ExportDetails } from './metadata';
import { quantize } from './model/quantize';
import { asInput, inParts, noise, type Samples } from './samples';

export interface ExportRequest {
  readonly bundle: Bundle;
  readonly state: ReadonlyMap<string, HostTensor>;
  /** the tensors that the model is made of, by the same names; default: the state's */
  readonly weights?: ReadonlyMap<string, HostTensor>;
  /** the .onnx file to write */
  readonly out: string;
  readonly form: ExportForm;
  readonly details: ExportDetails;
  /** images whose ranges int8 takes: uint8 [N, size, size, C] */
  readonly calibration?: HostTensor;
  /** images to measure it on */
  readonly samples?: Samples;
  readonly write?: WriteOptions;
}

export interface ExportReport {
  readonly file: string;
  readonly form: ExportForm;
  /** images on which the file was compared with the evaluation graph */
  readonly images: number;
  /** largest difference over the largest value */
  readonly error: number;
  /** null: no images were given */
  readonly measured: Measurement | null;
}

/**
 * What implementations of one network may differ by, of the largest value; a wrong weight or a wrong normalization is far beyond. Of
 * 8 bits only nonsense can be told this way: what they cost is measured on images.
 */
export const TOLERANCE: Readonly<Record<Precision, number>> = { float32: 1e-3, float16: 2e-2, int8: 0.5 };

/**
 * Writes the model to `out` once it was checked: same images through the file and through eval.onnx, results within
 * TOLERANCE. Nothing is left behind where anything fails. Throws a UserError for a form that the network does not have.
 */
export async function exportModel(request: ExportRequest): Promise<ExportReport> {
  const { bundle, state, out, form, details, samples, write } = request;
  const { manifest } = bundle;
  const { image } = manifest.recipe;
  const build = builder(request);
  const isExact = form.precision === 'float32';
  const model = isExact ? build(form) : await makeRounded(request, build);
  const exact = isExact || !samples ? null : build({ ...form, precision: 'float32' });
  const measured = samples ? await measure(model, exact, samples, form, image) : null;
  const metadata = exportMetadata(manifest, form, details, measured);
  const folder = path.dirname(path.resolve(out));
  const temporary = path.join(folder, `.export-${process.pid}`);
  mkdirSync(temporary, { recursive: true });
  discardAtExit(temporary);
  try {
    const file = path.join(temporary, path.basename(out));
    writeModel(file, { ...model, metadata }, write);
    const { images } = samples ?? { images: noise(manifest) };
    const [checked] = inParts(images, manifest.recipe.batch);
    const output = OUTPUT_OF[form.kind];
    const expected = await evaluateImages(bundle, state, checked, output);
    const session = await createSession(file, SETTINGS);
    const computed = await runModel(session, asInput(checked, form.input, image), output).finally(() =>
      session.release(),
    );
    const error = largestDifference(computed, expected);
    if (!(error <= TOLERANCE[form.precision])) {
      throw new UserError(
        `${out}: the exported model differs from the trainer's evaluation graph by ${error.toExponential(1)} of its largest value; not written`,
      );
    }
    for (const name of readdirSync(temporary))
      renameSync(path.join(temporary, name), path.join(folder, name));
    return { file: out, form, images: checked.shape[0], error, measured };
  } finally {
    discard(temporary);
  }
}

/** The run's network in whatever form, from its graph, which is read once. */
function builder({ bundle, state, weights = state }: ExportRequest): (form: ExportForm) => OnnxModel {
  const base = readModel(graphPath(bundle, 'encoder'));
  return (form) => embedState(base, weights, form, bundle.manifest.recipe);
}

async function makeRounded(
  { bundle, form, calibration }: ExportRequest,
  build: (form: ExportForm) => OnnxModel,
): Promise<OnnxModel> {
  const model = build(form);
  if (form.precision === 'float16') return model;
  if (!calibration)
    throw new UserError('--precision int8: give --data SOURCE, of whose images it takes the ranges');
  const images = asInput(calibration, 'float', bundle.manifest.recipe.image);
  const float = build({ ...form, input: 'float', precision: 'float32' });
  const ranges = await calibrate(float, inParts(images, BATCH));
  // Every form has the same values, but for what they begin with.
  const range = ranges.get(IMAGE);
  if (range) ranges.set(pixelsOf(form.input), range);
  return { ...model, graph: quantize(model.graph, pixelsOf(form.input), ranges) };
}
