/** How a model takes images, by what it says of itself: the size and layout of its one input, and its metadata. */
import { shownName } from '../base/errors';
import type { Recipe } from '../bundle/recipe';
import type { ModelInfo } from './modelWorker';

/** What an image becomes. */
export interface ImageForm {
  /** the input's name */
  readonly name: string;
  readonly form: 'float' | 'uint8';
  readonly image: Pick<Recipe['image'], 'size' | 'channels' | 'mean' | 'std'>;
}

/** The form of a model that takes one image and says how; null for any other. */
export function imageForm({ inputs, metadata }: ModelInfo): ImageForm | null {
  if (inputs.length !== 1) return null;
  const [{ name, dtype, shape }] = inputs;
  if (shape.length !== 4) return null;
  if (dtype === 'float32') {
    const [, channels, height, width] = shape;
    const mean = numbersIn(metadata.mean);
    const std = numbersIn(metadata.std);
    if (!isSquare(height, width) || !isChannels(channels)) return null;
    if (mean?.length !== channels || std?.length !== channels) return null;
    return { name, form: 'float', image: { size: height, channels, mean, std } };
  }
  if (dtype !== 'uint8') return null;
  const [, height, width, channels] = shape;
  // A model that takes any size says by its recipe which one it was trained on: that is passed through as it is.
  const size = isSquare(height, width) ? height : sizeIn(metadata.recipe);
  if (size === null || !isChannels(channels)) return null;
  return { name, form: 'uint8', image: { size, channels, mean: [], std: [] } };
}

/** A list of names as JSON, as they are shown; null for anything else. */
export function namesIn(json: string | undefined): readonly string[] | null {
  const names = parse(json);
  return Array.isArray(names) && names.every((name) => typeof name === 'string')
    ? names.map(shownName)
    : null;
}

const isSquare = (height: unknown, width: unknown): height is number =>
  typeof height === 'number' && height === width;
const isChannels = (channels: unknown): channels is 1 | 3 => channels === 1 || channels === 3;

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

function sizeIn(recipe: string | undefined): number | null {
  const value = parse(recipe) as { readonly image?: { readonly size?: unknown } } | null;
  const size = value?.image?.size;
  return typeof size === 'number' && Number.isInteger(size) && size > 0 ? size : null;
}
