/** Preprocessing and model as a pipeline, as a server runs them one after another. */
import { UserError } from '../../base/errors';
import { joinFloats, type HostTensor } from '../../tensors/dtype';
import { emitGraph, toModel } from '../../graph/emit';
import { writeModel } from '../../onnx/files';
import { createSession, type GraphSession } from '../../runtime/session';
import { BATCH, evaluateImages, largestDifference, SETTINGS } from '../compare';
import { TOLERANCE, type ExportRequest } from '../exportModel';
import { OUTPUT_OF } from '../form';
import { preprocessGraph } from '../model/input';
import { IMAGE, PIXELS } from '../model/network';
import { exportMetadata } from '../metadata';
import { inParts, noise } from '../samples';

/** What the model's metadata say of images, and where they are from. */
const OF_IMAGES = ['input', 'mean', 'std', 'crop', 'recipe_name', 'producer', 'step'];

/** Writes the preprocessing as a model of its own: images of pixels of any size -> `pixels`. */
export function writePreprocess(file: string, { bundle, form, details }: ExportRequest): void {
  const { manifest } = bundle;
  const { opset } = form;
  const metadata = Object.entries(exportMetadata(manifest, { ...form, input: 'photo' }, details, null));
  const ofImages = Object.fromEntries(metadata.filter(([key]) => OF_IMAGES.includes(key)));
  writeModel(file, toModel(emitGraph(preprocessGraph(manifest.recipe.image), opset), ofImages, opset));
}

export interface Pipeline {
  readonly preprocess: GraphSession;
  readonly model: GraphSession;
  /** One output for normalized images. */
  computePixels(pixels: HostTensor, output: string): Promise<Float32Array>;
  /** One output for images of pixels of any size. */
  compute(images: HostTensor, output: string): Promise<Float32Array>;
  /** Largest difference to the trainer's evaluation graph, over its largest value. UserError where it is too large. */
  check(request: ExportRequest, what: string): Promise<number>;
  release(): Promise<void>;
}

/** Opens both files; `release` them. */
export async function openPipeline(preprocessFile: string, modelFile: string): Promise<Pipeline> {
  const preprocess = await createSession(preprocessFile, SETTINGS);
  const model = await createSession(modelFile, SETTINGS);
  const run = async (session: GraphSession, image: HostTensor, output: string) => {
    const result = (await session.run(new Map([[IMAGE, image]]))).get(output);
    if (!result) throw new Error(`the model has no output ${output}`);
    return result;
  };
  const computePixels = async (pixels: HostTensor, output: string) =>
    (await run(model, pixels, output)).data as Float32Array;
  const compute = async (images: HostTensor, output: string) =>
    computePixels(await run(preprocess, images, PIXELS), output);
  return {
    preprocess,
    model,
    computePixels,
    compute,
    check: async ({ bundle, state, form, samples }, what) => {
      const { manifest } = bundle;
      const [images] = inParts(samples?.images ?? noise(manifest), manifest.recipe.batch);
      const output = OUTPUT_OF[form.kind];
      const parts: Float32Array[] = [];
      for (const part of inParts(images, BATCH, 1)) parts.push(await compute(part, output));
      const error = largestDifference(joinFloats(parts), await evaluateImages(bundle, state, images, output));
      if (error <= TOLERANCE[form.precision]) return error;
      throw new UserError(
        `${what} differ from the trainer's evaluation graph by ${error.toExponential(1)} of its largest value; not written`,
      );
    },
    release: async () => {
      await preprocess.release();
      await model.release();
    },
  };
}
