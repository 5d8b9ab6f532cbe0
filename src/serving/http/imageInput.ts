/** Encoded images as a model's input, prepared as evaluation does. */
import { availableParallelism } from 'node:os';
import pLimit from 'p-limit';
import { decodeCenter, imageSize } from '../../data/images/decode';
import { UserError } from '../../base/errors';
import { asInput } from '../../export/samples';
import type { ImageForm } from '../../inference/imageForm';
import type { HostTensor } from '../../tensors/dtype';
import { RequestError } from '../protocol/requestError';
import { PixelBudget } from './pixelBudget';

/** Pixels of an image, and of all that are decoded at once: a file of some kilobytes may have more than memory holds. */
const MOST_PIXELS = 100e6;
/** How much longer one side may be than the other: it is resized by the shorter one. */
const MOST_SLENDER = 1000;

const threads = pLimit(availableParallelism());
const memory = new PixelBudget(MOST_PIXELS);

/** `body`, which decodes an image of so many pixels, when there are a thread and memory for it. */
export const decoding = <T>(pixels: number, body: () => Promise<T>): Promise<T> =>
  memory.run(pixels, () => threads(body));

/** The image of a file, [1, ...]. RequestError for bytes that are no JPEG, PNG or WebP, are damaged or have too many pixels. */
export async function imageTensor(bytes: Buffer, { form, image }: ImageForm): Promise<HostTensor> {
  const { size, channels } = image;
  const pixelCount = await requireImage(bytes);
  const decode = () => decodeCenter(bytes, 'the image', size, channels === 1 ? 1 : 3);
  const { pixels } = await decoding(pixelCount, decode).catch(refuse);
  return asInput({ dtype: 'uint8', shape: [1, size, size, channels], data: pixels }, form, image);
}

function refuse(error: unknown): never {
  throw error instanceof UserError ? new RequestError('invalid', error.message) : error;
}

/** How many pixels it has. RequestError for bytes that do not begin as a JPEG, PNG or WebP, and for too many pixels. */
export async function requireImage(bytes: Buffer): Promise<number> {
  if (bytes.length === 0)
    throw new RequestError(
      'invalid',
      'the body is empty; send the bytes of an image (curl --data-binary @cat.jpg)',
    );
  if (!isKnown(bytes)) throw new RequestError('unsupported', 'the body is no JPEG, PNG or WebP image');
  const { width, height } = await imageSize(bytes, 'the image').catch(refuse);
  if (width * height > MOST_PIXELS)
    throw new RequestError(
      'tooLarge',
      `the image has ${width} x ${height} pixels; at most ${MOST_PIXELS / 1e6} million are taken`,
    );
  if (Math.max(width, height) > MOST_SLENDER * Math.min(width, height))
    throw new RequestError(
      'tooLarge',
      `the image has ${width} x ${height} pixels; one side may be at most ${MOST_SLENDER} times the other`,
    );
  return width * height;
}

/** By the first bytes: other formats that the decoder knows are not for strangers. */
function isKnown(bytes: Buffer): boolean {
  const start = bytes.toString('latin1', 0, 12);
  return start.startsWith('\xff\xd8\xff') || start.startsWith('\x89PNG\r\n') || /^RIFF[^]{4}WEBP/.test(start);
}
