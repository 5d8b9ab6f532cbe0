/** Encoded images, or larger ones, to pixels: decode, crop and resize in one pass of libvips. The only importer of sharp in `data`. */
import sharp from 'sharp';
import { UserError } from '../../base/errors';
import { type Box, centerBox, type DecodedImage } from './transforms';

// Images are decoded side by side, so each takes one thread; none is decoded twice, so nothing is worth keeping.
sharp.concurrency(1);
sharp.cache(false);

/** RGB or gray pixels to work on. */
const openPixels = ({ width, height, channels, pixels }: DecodedImage): sharp.Sharp =>
  sharp(pixels, { raw: { width, height, channels: channels === 1 ? 1 : 3 } });

async function readHeader(bytes: Uint8Array, where: string): Promise<sharp.Metadata> {
  try {
    return await sharp(bytes, { failOn: 'error' }).metadata();
  } catch (error) {
    throw undecodable(where, error, 'image');
  }
}

/** Width and height as the file's header tells them. Errors as `decodeBox`. */
export async function imageSize(
  bytes: Uint8Array,
  where: string,
): Promise<{ width: number; height: number }> {
  const { width, height } = await readHeader(bytes, where);
  return { width, height };
}

const openEncoded = (bytes: Uint8Array, { space }: sharp.Metadata): sharp.Sharp =>
  sharp(bytes, { failOn: 'error', ignoreIcc: space !== 'cmyk' }).autoOrient();

/** What `image` makes, without alpha. `format` is for the message. */
async function render(
  image: sharp.Sharp,
  where: string,
  channels: 1 | 3,
  format: string,
): Promise<DecodedImage> {
  const space = channels === 1 ? 'b-w' : 'srgb';
  const raw = image.removeAlpha().toColourspace(space).raw({ depth: 'uchar' });
  const { data, info } = await raw.toBuffer({ resolveWithObject: true }).catch((error: unknown) => {
    throw undecodable(where, error, format);
  });
  if (info.channels !== channels)
    throw new UserError(`${where} cannot be decoded: it gives ${info.channels} channels, not ${channels}`);
  return { width: info.width, height: info.height, channels, pixels: data };
}

/** An image before it is resized; width and height are those of it upright. */
interface Resizable extends Pick<DecodedImage, 'width' | 'height'> {
  readonly image: sharp.Sharp;
  readonly format: string;
}

async function openResizable(image: Uint8Array | DecodedImage, where: string): Promise<Resizable> {
  if ('pixels' in image) {
    const { width, height } = image;
    return { width, height, image: openPixels(image), format: 'pixel' };
  }
  const header = await readHeader(image, where);
  // Resizing weighs colours by alpha, so that has to be gone before.
  if (header.hasAlpha) return openResizable(await decodeWhole(image, where), where);
  return { ...header.autoOrient, image: openEncoded(image, header), format: header.format };
}

/**
 * Decodes `image`, turned upright, in RGB (channels = 3) or in gray (channels = 1), 8 bits. The box that `choose` picks from
 * the upright size fills size x size pixels. Alpha is dropped and the colours below it stay, as PIL's `convert('RGB')` does.
 * Embedded colour profiles are ignored but for CMYK, as torchvision and timm do: most say sRGB, and converting takes three
 * times as long as decoding.
 * @param where names the image in errors
 * @throws UserError for bytes that are no image, are cut off or damaged
 */
export async function decodeBox(
  image: Uint8Array | DecodedImage,
  where: string,
  size: number,
  channels: 1 | 3,
  choose: (width: number, height: number) => Box,
): Promise<DecodedImage> {
  const upright = await openResizable(image, where);
  const box = choose(upright.width, upright.height);
  // Resize first and cut then: only so does libvips let the JPEG decoder shrink on load. It computes no pixel outside.
  const width = Math.max(size, Math.round((upright.width * size) / box.width));
  const height = Math.max(size, Math.round((upright.height * size) / box.height));
  const left = Math.min(width - size, Math.round((box.left * size) / box.width));
  const top = Math.min(height - size, Math.round((box.top * size) / box.height));
  const cut = upright.image
    .resize(width, height, { fit: 'fill', kernel: 'linear' })
    .extract({ left, top, width: size, height: size });
  return render(cut, where, channels, upright.format);
}

/** Decodes `bytes` for evaluation: resized, and the middle cut out. Shapes and errors as `decodeBox`. */
export const decodeCenter = (
  bytes: Uint8Array | DecodedImage,
  where: string,
  size: number,
  channels: 1 | 3,
) => decodeBox(bytes, where, size, channels, (width, height) => centerBox(width, height, size));

/** Decodes `bytes` in full, turned upright, in RGB of 8 bits without alpha. Errors as `decodeBox`. */
export async function decodeWhole(bytes: Uint8Array, where: string): Promise<DecodedImage> {
  const header = await readHeader(bytes, where);
  return render(openEncoded(bytes, header), where, 3, header.format);
}

/** Pixels as a PNG file. */
export const encodePng = (image: DecodedImage): Promise<Buffer> => openPixels(image).png().toBuffer();

/**
 * libvips keeps its words for all threads in one buffer, so that they may be another image's: only what sharp itself says
 * before them counts.
 */
function undecodable(where: string, error: unknown, format: string): UserError {
  const said = error instanceof Error ? /^Input [^:]+/.exec(error.message) : null;
  return new UserError(
    `${where} cannot be decoded: ${said?.[0].trim() ?? `its ${format} data is cut off or damaged`}`,
  );
}
