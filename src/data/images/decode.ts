/** Encoded images, or larger ones, to pixels: decode, crop and resize in one pass of libvips. */
import sharp from 'sharp';
import { UserError } from '../../base/errors';
import { imageShape, type ImageSettings, type ImageShape } from '../../bundle/imageShape';
import { bitsOf, type PixelBits, withBits } from '../../tensors/pixels';
import { shownPixels } from '../../tensors/shownPixels';
import { cutBands, decodeBands, RAW, readRaw } from './bands';
import { type Header, OPEN, readHeader, undecodable } from './header';
import { ownFormat } from './ownFormats';
import { type Box, centerBox, type DecodedImage, middleBox } from './transforms';

// Images are decoded side by side, so each takes one thread; none is decoded twice, so nothing is worth keeping.
sharp.concurrency(1);
sharp.cache(false);

/** RGB or gray pixels to work on. */
const openPixels = ({ width, height, channels, pixels }: DecodedImage): sharp.Sharp =>
  sharp(pixels, { raw: { width, height, channels: channels === 1 ? 1 : 3 } });

/** Width and height as the file's header tells them; `channels`, where they are known, as in `decodeNpy`. Errors as `decodeBox`. */
export async function imageSize(
  bytes: Uint8Array,
  where: string,
  channels?: number,
): Promise<{ width: number; height: number }> {
  const own = ownFormat(bytes);
  const { width, height } = own?.size(bytes, where, channels) ?? (await readHeader(bytes, where));
  return { width, height };
}

const openEncoded = (bytes: Uint8Array, { space }: sharp.Metadata): sharp.Sharp =>
  sharp(bytes, { ...OPEN, ignoreIcc: space !== 'cmyk' }).autoOrient();

/** What `image` makes, in gray or RGB, without alpha. `format` is for the message. */
async function render(
  image: sharp.Sharp,
  where: string,
  channels: 1 | 3,
  bits: PixelBits,
  format: string,
): Promise<DecodedImage> {
  const { depth, gray, rgb } = RAW[bits];
  const raw = image
    .removeAlpha()
    .toColourspace(channels === 1 ? gray : rgb)
    .raw({ depth });
  const { data, info } = await raw.toBuffer({ resolveWithObject: true }).catch((error: unknown) => {
    throw undecodable(where, error, format);
  });
  if (info.channels !== channels)
    throw new UserError(`${where} cannot be decoded: it gives ${info.channels} channels, not ${channels}`);
  return { width: info.width, height: info.height, channels, pixels: readRaw(bits, data) };
}

/** An image before it is resized; width and height are those of it upright. */
interface Resizable extends Pick<DecodedImage, 'width' | 'height'> {
  /** to be made gray or RGB, of so many bits at first; or bands that stay what they are */
  readonly source: { readonly image: sharp.Sharp; readonly bits: PixelBits } | DecodedImage;
  readonly format: string;
}

const canBecome = (channels: number): channels is 1 | 3 => channels === 1 || channels === 3;

async function openResizable(
  image: Uint8Array | DecodedImage,
  where: string,
  wanted: Pick<ImageShape, 'channels' | 'bits'>,
): Promise<Resizable> {
  const { channels, bits } = wanted;
  if ('pixels' in image) {
    const { width, height } = image;
    if (canBecome(channels) && canBecome(image.channels))
      return {
        width,
        height,
        source: { image: openPixels(image), bits: bitsOf(image.pixels) },
        format: 'pixel',
      };
    requireChannels(where, image.channels, channels);
    return { width, height, source: image, format: 'pixel' };
  }
  const own = ownFormat(image);
  if (own) return openResizable(own.decode(image, where, channels), where, wanted);
  const header = await readHeader(image, where);
  if (!canBecome(channels) || !header.isPicture) {
    requireChannels(where, header.channels, channels);
    const whole = await decodeBands(image, where, header);
    return { width: whole.width, height: whole.height, source: whole, format: header.format };
  }
  const least = bits === 16 ? header.bits : 8;
  // Resizing weighs colours by alpha, so that has to be gone before.
  if (header.hasAlpha) return openResizable(await decodePicture(image, where, header, least), where, wanted);
  return {
    ...header.autoOrient,
    source: { image: openEncoded(image, header), bits: least },
    format: header.format,
  };
}

/** UserError where an image of so many channels is to have others. */
function requireChannels(where: string, there: number, wanted: number): void {
  if (there === wanted) return;
  const text = there === 1 ? '1 channel' : `${there} channels`;
  throw new UserError(
    `${where} has ${text}, and ${wanted} are asked for; build the graph with --set image.channels=${there}`,
  );
}

/**
 * Decodes `image`, turned upright. The box that `choose` picks from the upright size fills the pixels of `target`.
 *
 * For 3 or 1 channels a picture becomes RGB or gray: alpha is dropped and the colours below it stay, as PIL's
 * `convert('RGB')` does, and embedded colour profiles are ignored but for CMYK, as torchvision and timm do: most say sRGB,
 * and converting takes three times as long as decoding. For other numbers, and of images that are no picture (TIFF files of
 * many bands, `.npy` files), the bands are taken as they are and must be as many.
 *
 * Of 16 bits a file's values keep all for `target.bits` = 16, and the upper 8 for 8; values of 8 bits are times 257 there.
 * @param where names the image in errors
 * @throws UserError for bytes that are no image, are cut off or damaged, and for another number of bands
 */
export async function decodeBox(
  image: Uint8Array | DecodedImage,
  where: string,
  target: ImageSettings,
  choose: (width: number, height: number) => Box,
): Promise<DecodedImage> {
  const shape = imageShape(target);
  const upright = await openResizable(image, where, shape);
  const { source } = upright;
  const box = choose(upright.width, upright.height);
  // Resize first and cut then: only so does libvips let the JPEG decoder shrink on load. It computes no pixel outside.
  const width = Math.max(shape.width, Math.round((upright.width * shape.width) / box.width));
  const height = Math.max(shape.height, Math.round((upright.height * shape.height) / box.height));
  const left = Math.min(width - shape.width, Math.round((box.left * shape.width) / box.width));
  const top = Math.min(height - shape.height, Math.round((box.top * shape.height) / box.height));
  const part = { left, top, width: shape.width, height: shape.height };
  const cut =
    'pixels' in source
      ? await cutBands(source, { width, height, part })
      : await render(
          source.image.resize(width, height, { fit: 'fill', kernel: 'linear' }).extract(part),
          where,
          canBecome(shape.channels) ? shape.channels : 3,
          source.bits,
          upright.format,
        );
  return { ...cut, pixels: withBits(cut.pixels, shape.bits) };
}

/** Decodes `bytes` for evaluation: resized, and the middle cut out. Shapes and errors as `decodeBox`. */
export function decodeCenter(
  bytes: Uint8Array | DecodedImage,
  where: string,
  target: ImageSettings,
): Promise<DecodedImage> {
  return decodeBox(bytes, where, target, (width, height) => centerBox(width, height, imageShape(target)));
}

const decodePicture = (bytes: Uint8Array, where: string, header: Header, bits: PixelBits) =>
  render(openEncoded(bytes, header), where, 3, bits, header.format);

/**
 * Decodes `bytes` in full, turned upright: a picture in RGB without alpha, bands and arrays as they are; in the bits that they
 * have. Errors as `decodeBox`.
 */
export async function decodeWhole(bytes: Uint8Array, where: string): Promise<DecodedImage> {
  const own = ownFormat(bytes);
  if (own) return own.decode(bytes, where);
  const header = await readHeader(bytes, where);
  return header.isPicture
    ? decodePicture(bytes, where, header, header.bits)
    : decodeBands(bytes, where, header);
}

/**
 * The middle of `image` as a picture shows it: the largest square, size x size pixels in RGB of 8 bits, of bands those that
 * `shownPixels` takes. Errors as `decodeBox`.
 */
export async function decodeShown(
  image: Uint8Array | DecodedImage,
  where: string,
  size: number,
): Promise<DecodedImage> {
  const isFile = !('pixels' in image);
  const isPicture = isFile && !ownFormat(image) && (await readHeader(image, where)).isPicture;
  if (isPicture) return decodeMiddle(image, where, { size, channels: 3 });
  const whole = isFile ? await decodeWhole(image, where) : image;
  const shown = { ...whole, ...shownPixels(whole.pixels, whole.channels) };
  return decodeMiddle(shown, where, { size, channels: 3 });
}

/** The largest box of the ratio of `target` in the middle, resized. Errors as `decodeBox`. */
export function decodeMiddle(
  image: Uint8Array | DecodedImage,
  where: string,
  target: ImageSettings,
): Promise<DecodedImage> {
  return decodeBox(image, where, target, (width, height) => middleBox(width, height, imageShape(target)));
}

/** Pixels of gray or RGB as a PNG file. */
export const encodePng = (image: DecodedImage): Promise<Buffer> => openPixels(image).png().toBuffer();
