/** Images that are no picture: any number of bands, which are taken as they are, none of them a colour or alpha. */
import sharp from 'sharp';
import { UserError } from '../../base/errors';
import { allocatePixels, bitsOf, pixelsOf, type PixelBits, type Pixels } from '../../tensors/pixels';
import { type Header, OPEN, undecodable } from './header';
import { asRgbBands } from './tiff';
import type { DecodedImage } from './transforms';

/** A part of an image that was resized. */
export interface Cut {
  /** of the whole image, resized */
  readonly width: number;
  readonly height: number;
  readonly part: {
    readonly left: number;
    readonly top: number;
    readonly width: number;
    readonly height: number;
  };
}

/** Bytes of sharp as pixels. */
export const readRaw = (bits: PixelBits, data: Buffer): Pixels => pixelsOf(bits, data);

/** What sharp's `raw` and `toColourspace` call the bits, of gray and of RGB. */
export const RAW = {
  8: { depth: 'uchar', gray: 'b-w', rgb: 'srgb' },
  16: { depth: 'ushort', gray: 'grey16', rgb: 'rgb16' },
} as const;

/** The bands of `image`, which has `bands` of so many bits. Errors are the decoder's. */
async function readBands(image: sharp.Sharp, bands: number, bits: PixelBits): Promise<DecodedImage> {
  const names = RAW[bits];
  // 8 bits stay as they are without a conversion; two bands come as gray three times and the second
  const kept = bits === 8 ? image : image.toColourspace(bands < 3 ? names.gray : names.rgb);
  const { data, info } = await kept.raw({ depth: names.depth }).toBuffer({ resolveWithObject: true });
  const { width, height } = info;
  const extra = info.channels - bands;
  if (extra < 0) throw new UserError(`it gives ${info.channels} channels, not ${bands}`);
  const found = readRaw(bits, data);
  if (extra === 0) return { width, height, channels: bands, pixels: found };
  const pixels = allocatePixels(bits, width * height * bands);
  for (let i = 0, at = 0; i < width * height; i++)
    for (let c = 0; c < bands; c++) pixels[at++] = found[i * info.channels + extra + c];
  return { width, height, channels: bands, pixels };
}

/**
 * All bands of a file as they are, turned upright, in the bits that it has.
 * @throws UserError for inks, for two planes, and for a file that is cut off or damaged
 */
export async function decodeBands(bytes: Uint8Array, where: string, header: Header): Promise<DecodedImage> {
  const { tiff, channels, bits, space, format } = header;
  if (space === 'cmyk')
    throw new UserError(
      `${where} has the ${channels} inks of printing, no channels: it can become gray or RGB`,
    );
  const isGray = tiff !== null && tiff.photometric < 2;
  if (isGray && tiff.planar && channels === 2)
    throw new UserError(
      `${where} cannot be decoded: its 2 bands are stored as planes, which are not read; store them beside one another`,
    );
  const file = isGray && channels > 2 ? asRgbBands(bytes, tiff) : bytes;
  return readBands(sharp(file, { ...OPEN, ignoreIcc: true }).autoOrient(), channels, bits).catch(
    (error: unknown) => {
      throw error instanceof UserError
        ? new UserError(`${where} cannot be decoded: ${error.message}`)
        : undecodable(where, error, format);
    },
  );
}

/** `image` resized and cut, each band by itself. */
export async function cutBands(image: DecodedImage, { width, height, part }: Cut): Promise<DecodedImage> {
  const { channels, pixels } = image;
  const bits = bitsOf(pixels);
  const names = RAW[bits];
  const area = image.width * image.height;
  const result = allocatePixels(bits, part.width * part.height * channels);
  for (let c = 0; c < channels; c++) {
    const band = allocatePixels(bits, area);
    for (let i = 0; i < area; i++) band[i] = pixels[i * channels + c];
    const { data } = await sharp(band, { raw: { width: image.width, height: image.height, channels: 1 } })
      .resize(width, height, { fit: 'fill', kernel: 'linear' })
      .extract(part)
      .toColourspace(names.gray)
      .raw({ depth: names.depth })
      .toBuffer({ resolveWithObject: true });
    const small = readRaw(bits, data);
    for (let i = 0; i < small.length; i++) result[i * channels + c] = small[i];
  }
  return { width: part.width, height: part.height, channels, pixels: result };
}
