/** Encoded images as a model's input, prepared as evaluation does. */
import type { Recipe } from '../bundle/recipe';
import { decodeCenter } from '../data/images';
import { UserError } from '../errors';
import { asInput } from '../export/samples';
import type { HostTensor } from '../onnx/dtype';
import type { ModelInfo } from './modelWorker';
import { RequestError } from './requestError';

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

const isSquare = (height: unknown, width: unknown): height is number =>
  typeof height === 'number' && height === width;
const isChannels = (channels: unknown): channels is 1 | 3 => channels === 1 || channels === 3;

/** The image of a file, [1, ...]. RequestError for bytes that are no JPEG, PNG or WebP or are damaged. */
export async function imageTensor(bytes: Buffer, { form, image }: ImageForm): Promise<HostTensor> {
  requireImage(bytes);
  const { size, channels } = image;
  try {
    const { pixels } = await decodeCenter(bytes, 'the image', size, channels === 1 ? 1 : 3);
    return asInput({ dtype: 'uint8', shape: [1, size, size, channels], data: pixels }, form, image);
  } catch (error) {
    if (error instanceof UserError) throw new RequestError('invalid', error.message);
    throw error;
  }
}

/** RequestError for bytes that do not begin as a JPEG, PNG or WebP. */
export function requireImage(bytes: Buffer): void {
  if (bytes.length === 0)
    throw new RequestError(
      'invalid',
      'the body is empty; send the bytes of an image (curl --data-binary @cat.jpg)',
    );
  if (!isKnown(bytes)) throw new RequestError('unsupported', 'the body is no JPEG, PNG or WebP image');
}

/** By the first bytes: other formats that the decoder knows are not for strangers. */
function isKnown(bytes: Buffer): boolean {
  const start = bytes.toString('latin1', 0, 12);
  return start.startsWith('\xff\xd8\xff') || start.startsWith('\x89PNG\r\n') || /^RIFF[^]{4}WEBP/.test(start);
}

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
