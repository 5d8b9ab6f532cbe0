/** Encoded images, or larger ones, to pixels: decode, crop and resize in one pass of libvips. The only importer of sharp in `data`. */
import sharp from 'sharp';
import { UserError } from '../errors';
import { type Box, centerBox, type DecodedImage } from './transforms';

// Images are decoded side by side, so each takes one thread; none is decoded twice, so nothing is worth keeping.
sharp.concurrency(1);
sharp.cache(false);

function open(image: Buffer | DecodedImage, ignoreIcc: boolean): sharp.Sharp {
  if (Buffer.isBuffer(image)) return sharp(image, { failOn: 'error', ignoreIcc });
  const { width, height, channels, pixels } = image;
  return sharp(pixels, { raw: { width, height, channels: channels === 1 ? 1 : 3 } });
}

/**
 * Decodes `bytes`, turned upright, in RGB without alpha (channels = 3) or in gray (channels = 1), 8 bits. The box that
 * `choose` picks from the upright size fills size x size pixels. Embedded colour profiles are ignored but for CMYK, as
 * torchvision and timm do: most say sRGB, and converting takes three times as long as decoding.
 * @param where names the image in errors
 * @throws UserError for bytes that are no image, are cut off or damaged
 */
export async function decodeBox(
  bytes: Buffer | DecodedImage,
  where: string,
  size: number,
  channels: 1 | 3,
  choose: (width: number, height: number) => Box,
): Promise<DecodedImage> {
  try {
    const { autoOrient, space } = Buffer.isBuffer(bytes)
      ? await sharp(bytes, { failOn: 'error' }).metadata()
      : { autoOrient: bytes, space: 'srgb' };
    const box = choose(autoOrient.width, autoOrient.height);
    // Resize first and cut then: only so does libvips let the JPEG decoder shrink on load. It computes no pixel outside.
    const width = Math.max(size, Math.round((autoOrient.width * size) / box.width));
    const height = Math.max(size, Math.round((autoOrient.height * size) / box.height));
    const left = Math.min(width - size, Math.round((box.left * size) / box.width));
    const top = Math.min(height - size, Math.round((box.top * size) / box.height));
    const { data, info } = await open(bytes, space !== 'cmyk')
      .autoOrient()
      .resize(width, height, { fit: 'fill', kernel: 'linear' })
      .extract({ left, top, width: size, height: size })
      .removeAlpha()
      .toColourspace(channels === 1 ? 'b-w' : 'srgb')
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true });
    if (info.channels !== channels) {
      throw new Error(`decoded to ${info.channels} channels, expected ${channels}`);
    }
    return { width: size, height: size, channels, pixels: data };
  } catch (error) {
    throw undecodable(where, error);
  }
}

/** Decodes `bytes` for evaluation: resized, and the middle cut out. Shapes and errors as `decodeBox`. */
export const decodeCenter = (bytes: Buffer | DecodedImage, where: string, size: number, channels: 1 | 3) =>
  decodeBox(bytes, where, size, channels, (width, height) => centerBox(width, height, size));

/** Decodes `bytes` in full, turned upright, in RGB of 8 bits. Errors as `decodeBox`. */
export async function decodeWhole(bytes: Buffer, where: string): Promise<DecodedImage> {
  try {
    const { space } = await sharp(bytes, { failOn: 'error' }).metadata();
    const image = open(bytes, space !== 'cmyk')
      .autoOrient()
      .removeAlpha()
      .toColourspace('srgb');
    const { data, info } = await image.raw({ depth: 'uchar' }).toBuffer({ resolveWithObject: true });
    return { width: info.width, height: info.height, channels: 3, pixels: data };
  } catch (error) {
    throw undecodable(where, error);
  }
}

/** Pixels as a PNG file. */
export const encodePng = (image: DecodedImage): Promise<Buffer> => open(image, true).png().toBuffer();

function undecodable(where: string, error: unknown): UserError {
  const reason = error instanceof Error ? error.message : String(error);
  return new UserError(`${where} cannot be decoded: ${reason.replace(/\s+/g, ' ').trim()}`);
}
