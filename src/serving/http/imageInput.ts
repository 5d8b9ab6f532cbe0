/** Encoded images as a model's input, prepared as evaluation does. */
import { availableParallelism } from 'node:os';
import pLimit from 'p-limit';
import { decodeCenter, imageSize } from '../../data/images/decode';
import { formatOf } from '../../data/images/describeBytes';
import { isNpy } from '../../data/images/npy';
import { UserError } from '../../base/errors';
import { imageDims, imageShape, type ImageSettings } from '../../bundle/imageShape';
import { asInput } from '../../export/samples';
import type { ImageForm } from '../../inference/imageForm';
import type { HostTensor } from '../../tensors/dtype';
import { pixelType } from '../../tensors/pixels';
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

/** The image of a file, [1, ...]. RequestError for bytes that are no image of a known kind, are damaged or have too many pixels. */
export async function imageTensor(bytes: Buffer, { form, image }: ImageForm): Promise<HostTensor> {
  const { bits } = imageShape(image);
  const cost = await requireImage(bytes, image);
  const decode = () => decodeCenter(bytes, 'the image', image);
  const { pixels } = await decoding(cost, decode).catch(refuse);
  const shape = [1, ...imageDims(image)];
  return asInput({ dtype: pixelType(bits), shape, data: pixels }, form, image);
}

function refuse(error: unknown): never {
  throw error instanceof UserError ? new RequestError('invalid', error.message) : error;
}

/**
 * How many pixels it has, many bands as so many pictures. RequestError for bytes that do not begin as a JPEG, PNG or WebP, and
 * for too many pixels. Where the network sees other channels than those have, or 16 bits, TIFF and .npy are taken, too.
 */
export async function requireImage(bytes: Buffer, image: ImageSettings): Promise<number> {
  if (bytes.length === 0)
    throw new RequestError(
      'invalid',
      'the body is empty; send the bytes of an image (curl --data-binary @cat.jpg)',
    );
  const { channels, bits } = imageShape(image);
  const takesMore = bits === 16 || (channels !== 1 && channels !== 3);
  if (!isKnown(bytes) && !(takesMore && isMeasured(bytes))) {
    const kinds = takesMore ? 'PNG, TIFF, .npy, JPEG or WebP' : 'JPEG, PNG or WebP';
    throw new RequestError('unsupported', `the body is no ${kinds} image`);
  }
  const { width, height } = await imageSize(bytes, 'the image', channels).catch(refuse);
  // many bands take as much memory as so many pictures
  const pictures = Math.max(1, (channels * bits) / 24);
  const most = Math.floor(MOST_PIXELS / pictures);
  if (width * height > most)
    throw new RequestError(
      'tooLarge',
      `the image has ${width} x ${height} pixels; at most ${Number((most / 1e6).toPrecision(3))} million are taken`,
    );
  if (Math.max(width, height) > MOST_SLENDER * Math.min(width, height))
    throw new RequestError(
      'tooLarge',
      `the image has ${width} x ${height} pixels; one side may be at most ${MOST_SLENDER} times the other`,
    );
  return Math.ceil(width * height * pictures);
}

/** By the first bytes: other formats that the decoder knows are not for strangers. */
const isKnown = (bytes: Buffer): boolean => ['jpeg', 'png', 'webp'].includes(formatOf(bytes) ?? '');

/** By the first bytes: the formats that have any number of bands. */
const isMeasured = (bytes: Buffer): boolean => isNpy(bytes) || formatOf(bytes) === 'tiff';
