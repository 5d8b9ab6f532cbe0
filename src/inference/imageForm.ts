/** How a model takes images, by what it says of itself: the size and layout of its one input, and its metadata. */
import { shownName } from '../base/errors';
import { imageShape, type ImageSettings, type ImageShape } from '../bundle/imageShape';
import type { Recipe } from '../bundle/recipe';
import type { ModelInfo } from './modelWorker';

/** What an image becomes. */
export interface ImageForm {
  /** the input's name */
  readonly name: string;
  /** normalized, or as pixels, of 16 bits where the image has them */
  readonly form: 'float' | 'uint8';
  readonly image: ImageSettings & Pick<Recipe['image'], 'mean' | 'std'>;
}

/** The form of a model that takes one image and says how; null for any other. */
export function imageForm({ inputs, metadata }: ModelInfo): ImageForm | null {
  if (inputs.length !== 1) return null;
  const [{ name, dtype, shape }] = inputs;
  if (shape.length !== 4) return null;
  const trained = trainedOn(metadata.recipe);
  if (dtype === 'float32') {
    const [, channels, height, width] = shape;
    const mean = numbersIn(metadata.mean);
    const std = numbersIn(metadata.std);
    if (!isWhole(height) || !isWhole(width) || !isWhole(channels)) return null;
    if (mean?.length !== channels || std?.length !== channels) return null;
    const image = { ...settingsOf(height, width, channels, trained?.bits === 16), mean, std };
    return { name, form: 'float', image };
  }
  if (dtype !== 'uint8' && dtype !== 'uint16') return null;
  const [, height, width, channels] = shape;
  // A model that takes any size says by its recipe which one it was trained on: that is passed through as it is.
  const sides = isWhole(height) && isWhole(width) ? { height, width } : trained;
  if (!sides || !isWhole(channels)) return null;
  const image = settingsOf(sides.height, sides.width, channels, dtype === 'uint16');
  return { name, form: 'uint8', image: { ...image, mean: [], std: [] } };
}

const settingsOf = (height: number, width: number, channels: number, wide: boolean): ImageSettings => ({
  size: Math.max(height, width),
  ...(height !== width && { height, width }),
  channels,
  ...(wide && { bits: 16 }),
});

/** A list of names as JSON, as they are shown; null for anything else. */
export function namesIn(json: string | undefined): readonly string[] | null {
  const names = parse(json);
  return Array.isArray(names) && names.every((name) => typeof name === 'string')
    ? names.map(shownName)
    : null;
}

const isWhole = (size: unknown): size is number =>
  typeof size === 'number' && Number.isInteger(size) && size > 0;

function parse(json: string | undefined): unknown {
  try {
    return JSON.parse(json ?? 'null');
  } catch {
    return null;
  }
}

function numbersIn(json: string | undefined): number[] | null {
  const values = parse(json);
  return Array.isArray(values) && values.every((value) => typeof value === 'number') ? values : null;
}

/** The pixels that the recipe is for; null where it does not say. */
function trainedOn(recipe: string | undefined): ImageShape | null {
  const image = (parse(recipe) as { readonly image?: unknown } | null)?.image;
  if (typeof image !== 'object' || image === null) return null;
  const shape = imageShape(image as ImageSettings);
  return isWhole(shape.height) && isWhole(shape.width) ? shape : null;
}
