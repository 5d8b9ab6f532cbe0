/** An exported .onnx file as a model for images; how it takes them, its metadata say. */
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { UserError } from '../base/errors';
import { asInput } from '../export/samples';
import { sha256 } from './fingerprint';
import { imageForm, namesIn } from './imageForm';
import { OUTPUTS, type ImageModel, type ModelChoice } from './model';
import { ModelThread } from './modelThread';
import type { ModelInfo } from './modelWorker';

/** Opens the file. UserError for a model that does not load or does not say how it takes images. */
export async function openExported({
  model: file,
  provider = 'cpu',
  threads = availableParallelism(),
}: ModelChoice): Promise<ImageModel> {
  const weights = `${file}.data`;
  const fingerprint = await sha256([file, ...(existsSync(weights) ? [weights] : [])]);
  const settings = { provider, threads };
  const { thread, info } = await ModelThread.open(file, settings);
  try {
    return { ...describe(file, info), sha256: fingerprint, settings, ...running(thread, file, info) };
  } catch (error) {
    await thread.close();
    throw error;
  }
}

function describe(file: string, { outputs, metadata }: ModelInfo) {
  const names = OUTPUTS.filter((output) =>
    outputs.some(({ name, dtype, shape }) => name === output && dtype === 'float32' && shape.length === 2),
  );
  if (names.length === 0)
    throw new UserError(
      `--model ${file}: has no output ${OUTPUTS.join(', ')} of a row an image; \`selfie export\` writes such models`,
    );
  return {
    name: file,
    outputs: names,
    classes: namesIn(metadata.classes),
    step: /^\d+$/.test(metadata.step) ? Number(metadata.step) : null,
    recipeName: metadata.recipe_name ?? null,
    recipe: metadata.recipe ?? null,
  };
}

function running(thread: ModelThread, file: string, info: ModelInfo) {
  const found = imageForm(info);
  if (!found)
    throw new UserError(
      `--model ${file}: does not say how it takes images (one input of pixels, and mean, std or recipe in its metadata); ` +
        '`selfie export` writes such models',
    );
  if (typeof info.inputs[0].shape[0] === 'number')
    throw new UserError(
      `--model ${file}: takes exactly ${info.inputs[0].shape[0]} images at once; export it with an open first size`,
    );
  const { name, form, image } = found;
  const run: ImageModel['run'] = async (images, output) => {
    const input = asInput(images, form, image);
    // The thread takes the memory away: of pixels it gets a copy.
    const data = form === 'uint8' ? input.data.slice() : input.data;
    const value = (await thread.run(new Map([[name, { ...input, data }]]))).get(output);
    if (!value) throw new Error(`${file} gave no ${output}`);
    return value;
  };
  return {
    image,
    run,
    close: () => thread.close(),
  };
}
