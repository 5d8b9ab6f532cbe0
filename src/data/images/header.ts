/** What the header of an image's file says, and what the decoder says of a damaged one. */
import sharp from 'sharp';
import { UserError } from '../../base/errors';
import type { PixelBits } from '../../tensors/pixels';
import { describeBytes } from './describeBytes';
import { tiffLayout, type TiffLayout } from './tiff';

/** How files are opened: those of any number of bands; what is damaged is an error. */
export const OPEN = { failOn: 'error', limitInputChannels: false } as const;

/** What is in the file of an image. */
export interface Header extends sharp.Metadata {
  readonly tiff: TiffLayout | null;
  /** of a value */
  readonly bits: PixelBits;
  /** whether its bands are gray or colours, and perhaps alpha: what can become gray or RGB */
  readonly isPicture: boolean;
}

/** UserError for bytes that are no image, for values that are not whole numbers of 8 or 16 bits, and for more pages than one. */
export async function readHeader(bytes: Uint8Array, where: string): Promise<Header> {
  let metadata: sharp.Metadata;
  try {
    metadata = await sharp(bytes, OPEN).metadata();
  } catch {
    throw new UserError(`${where} cannot be decoded: ${describeBytes(bytes)}`);
  }
  if (metadata.format === 'svg') throw new UserError(`${where} cannot be decoded: it is SVG, no photograph`);
  const { depth, format, channels, space } = metadata;
  if (depth !== 'uchar' && depth !== 'ushort')
    throw new UserError(
      `${where} cannot be decoded: its values are ${depth}; an image has whole numbers of 8 or 16 bits`,
    );
  const tiff = format === 'tiff' ? tiffLayout(bytes) : null;
  if (tiff !== null && tiff.pages > 1)
    throw new UserError(
      `${where} cannot be decoded: it has ${tiff.pages} pages; give each a file of its own, or one page of so many bands`,
    );
  const colours =
    space === 'b-w' || space === 'grey16' ? 1 : space === 'srgb' || space === 'rgb16' ? 3 : null;
  const hasAlpha = tiff?.hasAlpha ?? true;
  const isPicture = colours === null || channels === colours || (channels === colours + 1 && hasAlpha);
  return { ...metadata, tiff, bits: depth === 'ushort' ? 16 : 8, isPicture };
}

/**
 * libvips keeps its words for all threads in one buffer, so that they may be another image's: only what sharp itself says
 * before them counts.
 */
export function undecodable(where: string, error: unknown, format: string): UserError {
  const said = error instanceof Error ? /^Input [^:]+/.exec(error.message) : null;
  return new UserError(
    `${where} cannot be decoded: ${said?.[0].trim() ?? `its ${format} data is cut off or damaged`}`,
  );
}
