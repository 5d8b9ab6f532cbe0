/** `export`: a run's checkpoint as one inference model, checked against the trainer's own evaluation graph. */
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { graphPath, type Bundle } from '../bundle/read';
import { UserError } from '../base/errors';
import type { HostTensor } from '../tensors/dtype';
import { readModel, writeModel, type WriteOptions } from '../onnx/files';
import { createSession } from '../runtime/session';
import { stage } from '../base/staging';
import { calibrate } from './model/calibrate';
import { BATCH, evaluateImages, largestDifference, runModel, SETTINGS } from './compare';
import { embedState, exactNetwork, type Weighted } from './model/bakeWeights';
import { OUTPUT_OF, type ExportForm, type Precision } from './form';
import { measure, type Measurement } from './measure';
import type { Range } from './model/quantize';
import { exportMetadata, type ExportDetails } from './metadata';
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
  /** images whose ranges int8 takes: pixels [N, height, width, C] */
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
  const weighted = weightedOf(request);
  const isExact = form.precision === 'float32';
  const ranges = form.precision === 'int8' ? await rangesOf(request, weighted) : [];
  const model = embedState(weighted, form, { ranges });
  const exact = isExact || !samples ? null : embedState(weighted, { ...form, precision: 'float32' });
  const measured = samples ? await measure(model, exact, samples, form, image) : null;
  const metadata = exportMetadata(manifest, form, details, measured);
  return stage(out, async (staging) => {
    const file = staging.inside(path.basename(out));
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
    // The weights of a large one are a file of their own.
    const names = readdirSync(staging.folder);
    staging.commit(names.map((name) => [name, path.join(path.dirname(out), name)]));
    return { file: out, form, images: checked.shape[0], error, measured };
  });
}

const weightedOf = ({ bundle, state, weights = state }: ExportRequest): Weighted => ({
  model: readModel(graphPath(bundle, 'encoder')),
  state: weights,
  image: bundle.manifest.recipe.image,
});

async function rangesOf({ form, calibration }: ExportRequest, weighted: Weighted): Promise<Range[]> {
  if (!calibration)
    throw new UserError('--precision int8: give --data SOURCE, of whose images it takes the ranges');
  const images = asInput(calibration, 'float', weighted.image);
  return calibrate(exactNetwork(weighted, form), inParts(images, BATCH));
}
