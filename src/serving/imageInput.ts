/** Encoded images as a model's input, prepared as evaluation does. */
import { decodeCenter } from '../data/images';
import { UserError } from '../errors';
import { asInput } from '../export/samples';
import type { ImageForm } from '../inference/imageForm';
import type { HostTensor } from '../onnx/dtype';
import { RequestError } from './requestError';

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
