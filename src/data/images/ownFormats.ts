/** Formats that libvips does not read here, and this project does: arrays of NumPy and Windows bitmaps. */
import { bmpSize, decodeBmp, isBmp } from './bmp';
import { decodeNpy, isNpy, npyImage } from './npy';
import type { DecodedImage } from './transforms';

interface OwnFormat {
  /** By the first bytes. */
  readonly is: (bytes: Uint8Array) => boolean;
  /** As the header tells it; `channels`, where they are known, as in `decodeNpy`. UserError for what is damaged. */
  readonly size: (
    bytes: Uint8Array,
    where: string,
    channels?: number,
  ) => { readonly width: number; readonly height: number };
  readonly decode: (bytes: Uint8Array, where: string, channels?: number) => DecodedImage;
}

const FORMATS: readonly OwnFormat[] = [
  { is: isNpy, size: npyImage, decode: decodeNpy },
  { is: isBmp, size: bmpSize, decode: decodeBmp },
];

/** That of `bytes`; undefined: it is libvips' to say. */
export const ownFormat = (bytes: Uint8Array): OwnFormat | undefined => FORMATS.find(({ is }) => is(bytes));
