/** `predict`: the classes of image files, the likeliest first. */
import { statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { fileError } from '../base/files';
import { imageDims, imageShape } from '../bundle/imageShape';
import { openImages } from '../data/sources/folder';
import { decodeCenter } from '../data/images/decode';
import { UserError } from '../base/errors';
import { joinPixels, type Pixels, pixelType } from '../tensors/pixels';
import type { ImageModel, ModelChoice } from './model';
import { openModel } from './openModel';

export interface PredictOptions extends ModelChoice {
  /** image files, folders of images, or `-` for an image on stdin */
  readonly images: readonly string[];
  /** classes an image, default 5 */
  readonly top?: number;
}

export interface ClassProbability {
  readonly name: string;
  readonly probability: number;
}

/** Of one image: its classes, or why there are none. */
export type Prediction = { readonly file: string } & (
  { readonly classes: readonly ClassProbability[] } | { readonly error: string }
);

export interface Predictions {
  /** image files, those below folders too; one that is not there is told in its turn */
  readonly files: readonly string[];
  /** names of all classes */
  readonly classes: readonly string[];
  /** one a file, in order; go through them, or leave them, to close the model */
  readonly each: AsyncGenerator<Prediction, void, void>;
}

export const TOP = 5;

/** Images that are decoded side by side and then computed at once. */
const BATCH = 32;

const STDIN = '-';

/** Throws a UserError where the model is not there or has no classes, and for a folder without images. */
export async function predict(
  options: PredictOptions,
  warn: (line: string) => void = () => {},
): Promise<Predictions> {
  const { images, top = TOP } = options;
  if (images.filter((image) => image === STDIN).length > 1)
    throw new UserError(`${STDIN} is given more than once; stdin has one image`);
  const files = images.flatMap(filesOf);
  const model = await openModel(options, warn);
  try {
    requireClasses(model);
  } catch (error) {
    await model.close();
    throw error;
  }
  const classes = [...(model.classes ?? [])];
  return { files, classes, each: predictions(model, files, classes, top) };
}

function filesOf(image: string): string[] {
  if (image === STDIN || !statSync(image, { throwIfNoEntry: false })?.isDirectory()) return [image];
  const source = openImages(image);
  return Array.from({ length: source.length }, (_, i) => source.where(i));
}

function requireClasses({ name, outputs }: ImageModel): void {
  if (outputs.includes('probabilities')) return;
  throw new UserError(
    `${name} is an encoder, which has no classes; ` +
      `its embeddings: \`selfie embed FOLDER --model ${name} --to embeddings.parquet\``,
  );
}

async function* predictions(
  model: ImageModel,
  files: readonly string[],
  classes: readonly string[],
  top: number,
): AsyncGenerator<Prediction, void, void> {
  try {
    for (let at = 0; at < files.length; at += BATCH) {
      const part = files.slice(at, at + BATCH);
      const pixels = await Promise.all(part.map((file) => decode(file, model.image)));
      const scores = await probabilities(
        model,
        pixels.filter((each): each is Pixels => !(each instanceof UserError)),
      );
      for (const [i, file] of part.entries()) {
        const read = pixels[i];
        if (read instanceof UserError) yield { file, error: read.message };
        else yield { file, classes: best(scores.shift() ?? [], classes, top) };
      }
    }
  } finally {
    await model.close();
  }
}

/** [height * width * channels] as evaluation has it, or what is wrong with the image. */
async function decode(file: string, image: ImageModel['image']): Promise<Pixels | UserError> {
  try {
    const bytes = file === STDIN ? await buffer(process.stdin) : await readFile(file);
    const where = file === STDIN ? 'stdin' : file;
    return (await decodeCenter(bytes, where, image)).pixels;
  } catch (error) {
    const known = fileError('read', file, error);
    if (known instanceof UserError) return known;
    throw error;
  }
}

/** One row an image. */
async function probabilities(model: ImageModel, images: readonly Pixels[]): Promise<number[][]> {
  if (images.length === 0) return [];
  const { bits } = imageShape(model.image);
  const data = joinPixels(bits, images);
  const shape = [images.length, ...imageDims(model.image)];
  const { data: values } = await model.run({ dtype: pixelType(bits), shape, data }, 'probabilities');
  if (!(values as Float32Array).every(Number.isFinite))
    throw new UserError(
      `${model.name}: the probabilities of some images are not finite; the network has diverged`,
    );
  const count = values.length / images.length;
  return images.map((_, i) => Array.from(values.subarray(i * count, (i + 1) * count), Number));
}

const best = (row: readonly number[], classes: readonly string[], top: number): ClassProbability[] =>
  row
    .map((probability, i) => ({ name: classes[i] ?? `class ${i}`, probability }))
    .sort((a, b) => b.probability - a.probability)
    .slice(0, top);
