/** Pixels to pictures and files to pixels, by the browser's own decoder and encoder. Runs in a worker. */
import type { DecodedImage } from '../../data/images/transforms';
import { UserError } from '../../base/errors';
import type { PixelsUri } from '../../draw/patchPicture';

/** A reduced image that is longer than a browser's canvas is no photograph. */
const LONGEST_SIDE = 16_384;

function contextOf(
  width: number,
  height: number,
): { canvas: OffscreenCanvas; context: OffscreenCanvasRenderingContext2D } {
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext('2d', { willReadFrequently: true });
  if (!context) throw new UserError('this browser draws no pictures in workers');
  return { canvas, context };
}

/**
 * An image in RGB of 8 bits, upright, reduced so that its shorter side is at most `shorter` pixels; the first picture of an
 * animation. UserError, `this browser cannot decode it`, where that is so; the caller names the image.
 */
export async function decodePhoto(image: ImageBitmapSource, shorter: number): Promise<DecodedImage> {
  if (image instanceof Blob && image.size === 0) throw new UserError('it is empty');
  // colour profiles are ignored as in src/data/images.ts
  const bitmap = await createImageBitmap(image, { colorSpaceConversion: 'none' }).catch((error: unknown) => {
    throw new UserError('this browser cannot decode it', { cause: error });
  });
  try {
    return reduced(bitmap, shorter);
  } finally {
    bitmap.close();
  }
}

const HIDDEN_PIXELS =
  'this browser hides pixels from pages (privacy.resistFingerprinting in Firefox); allow this page to read them';

/** Whether what is drawn is what is read: browsers that guard against fingerprints give noise instead. */
function readsTrue(): boolean {
  const { context } = contextOf(4, 1);
  const grays = [32, 224, 96, 160];
  grays.forEach((gray, x) => {
    context.fillStyle = `rgb(${gray} ${gray} ${gray})`;
    context.fillRect(x, 0, 1, 1);
  });
  const { data } = context.getImageData(0, 0, 4, 1);
  // some browsers move the last bits
  return grays.every((gray, x) => [0, 1, 2].every((c) => Math.abs(data[4 * x + c] - gray) <= 2));
}
let truth: boolean | undefined;

function reduced(bitmap: ImageBitmap, shorter: number): DecodedImage {
  const scale = Math.min(1, shorter / Math.min(bitmap.width, bitmap.height));
  const width = Math.max(1, Math.round(bitmap.width * scale));
  const height = Math.max(1, Math.round(bitmap.height * scale));
  if (Math.max(width, height) > LONGEST_SIDE)
    throw new UserError(`it is ${bitmap.width} x ${bitmap.height} pixels, too long for a page`);
  if (!(truth ??= readsTrue())) throw new UserError(HIDDEN_PIXELS);
  const { context } = contextOf(width, height);
  context.imageSmoothingQuality = 'high';
  context.drawImage(bitmap, 0, 0, width, height);
  const { data } = context.getImageData(0, 0, width, height);
  const pixels = new Uint8Array(width * height * 3);
  for (let i = 0, to = 0; i < data.length; i += 4) {
    pixels[to++] = data[i];
    pixels[to++] = data[i + 1];
    pixels[to++] = data[i + 2];
  }
  return { width, height, channels: 3, pixels };
}

export const pixelsUri: PixelsUri = async (pixels, width, height, channels, least) => {
  const small = contextOf(width, height);
  const image = small.context.createImageData(width, height);
  for (let i = 0; i < width * height; i++) {
    for (let c = 0; c < 3; c++) image.data[4 * i + c] = pixels[i * channels + (channels === 1 ? 0 : c)];
    image.data[4 * i + 3] = 255;
  }
  small.context.putImageData(image, 0, 0);
  const factor = Math.max(1, Math.ceil(least / Math.max(width, height)));
  const large = contextOf(width * factor, height * factor);
  large.context.imageSmoothingEnabled = false;
  large.context.drawImage(small.canvas, 0, 0, width * factor, height * factor);
  const blob = await large.canvas.convertToBlob({ type: 'image/png' });
  const bytes = new Uint8Array(await blob.arrayBuffer());
  return `data:image/png;base64,${btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''))}`;
};
