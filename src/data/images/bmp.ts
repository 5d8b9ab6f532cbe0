/**
 * Windows bitmaps, which libvips does not read here: rows of 1, 4, 8, 16, 24 or 32 bits a pixel, by a palette or by masks. The
 * packages for this format allocate what a damaged header asks for.
 */
import { UserError } from '../../base/errors';
import { asBuffer } from '../../base/buffers';
import type { DecodedImage } from './transforms';

/** By the first bytes. */
export const isBmp = (bytes: Uint8Array): boolean =>
  bytes[0] === 0x42 && bytes[1] === 0x4d && bytes.length > 18;

interface Layout {
  readonly width: number;
  readonly height: number;
  /** the first row is the upper one */
  readonly topDown: boolean;
  readonly bits: number;
  /** of the pixels in the file */
  readonly start: number;
  /** bytes of a row, a multiple of 4 */
  readonly stride: number;
  /** BGR, `entry` bytes a colour; empty for colours by value */
  readonly palette: Buffer;
  readonly entry: number;
  /** of red, green and blue in a pixel of 16 or 32 bits */
  readonly masks: readonly number[];
}

/** Width and height. Errors as `decodeBmp`. */
export const bmpSize = (bytes: Uint8Array, where: string): { width: number; height: number } =>
  readLayout(bytes, where);

/** Decodes `bytes` to RGB. UserError for what is cut off, compressed, or no bitmap. */
export function decodeBmp(bytes: Uint8Array, where: string): DecodedImage {
  const file = asBuffer(bytes);
  const layout = readLayout(bytes, where);
  const { width, height, topDown, start, stride } = layout;
  const pixels = new Uint8Array(3 * width * height);
  const read = pixelReader(file, layout);
  for (let row = 0; row < height; row++) {
    const from = start + (topDown ? row : height - 1 - row) * stride;
    for (let column = 0; column < width; column++) read(from, column, pixels, 3 * (row * width + column));
  }
  return { width, height, channels: 3, pixels };
}

type Read = (row: number, column: number, out: Uint8Array, at: number) => void;

function pixelReader(file: Buffer, { bits, palette, entry, masks }: Layout): Read {
  if (bits <= 8) {
    const perByte = 8 / bits;
    return (row, column, out, at) => {
      const byte = file[row + Math.floor(column / perByte)];
      const colour = entry * ((byte >> (8 - bits * ((column % perByte) + 1))) & (2 ** bits - 1));
      // A colour that the palette has not is black.
      for (let c = 0; c < 3; c++) out[at + c] = palette[colour + 2 - c] ?? 0;
    };
  }
  if (bits === 24)
    return (row, column, out, at) => {
      for (let c = 0; c < 3; c++) out[at + c] = file[row + 3 * column + 2 - c];
    };
  const parts = masks.map((mask) => {
    const shift = mask === 0 ? 0 : 31 - Math.clz32(mask & -mask);
    return { mask, shift, most: Math.max(1, mask >>> shift) };
  });
  return (row, column, out, at) => {
    const value = bits === 16 ? file.readUInt16LE(row + 2 * column) : file.readUInt32LE(row + 4 * column);
    parts.forEach(({ mask, shift, most }, c) => {
      out[at + c] = Math.round((255 * ((value & mask) >>> shift)) / most);
    });
  };
}

const MOST_PIXELS = 2 ** 28;

function readLayout(bytes: Uint8Array, where: string): Layout {
  const file = asBuffer(bytes);
  const refuse = (why: string) => new UserError(`${where} cannot be decoded: ${why}`);
  if (!isBmp(bytes) || file.length < 26) throw refuse('its bmp data is cut off or damaged');
  const start = file.readUInt32LE(10);
  const header = file.readUInt32LE(14);
  const isOld = header === 12;
  if (!isOld && (header < 40 || file.length < 14 + header))
    throw refuse('its bmp data is cut off or damaged');
  const width = isOld ? file.readUInt16LE(18) : file.readInt32LE(18);
  const signedHeight = isOld ? file.readUInt16LE(20) : file.readInt32LE(22);
  const height = Math.abs(signedHeight);
  const bits = file.readUInt16LE(isOld ? 24 : 28);
  const compression = isOld ? 0 : file.readUInt32LE(30);
  if (compression !== 0 && compression !== 3)
    throw refuse('it is a compressed bitmap, which is not read; convert it to PNG');
  if (![1, 4, 8, 16, 24, 32].includes(bits))
    throw refuse(`it is a bitmap of ${bits} bits a pixel, which is not read`);
  if (width < 1 || height < 1 || width * height > MOST_PIXELS)
    throw refuse(`its header says ${width} x ${height} pixels; 1 to ${MOST_PIXELS} are read`);
  const stride = 4 * Math.ceil((width * bits) / 32);
  if (start + stride * height > file.length) throw refuse('its bmp data is cut off or damaged');
  const isMasked = compression === 3;
  const standard = bits === 16 ? [0x7c00, 0x3e0, 0x1f] : [0xff0000, 0xff00, 0xff];
  if (isMasked && file.length < 66) throw refuse('its bmp data is cut off or damaged');
  return {
    ...{ width, height, topDown: signedHeight < 0, bits, start, stride },
    palette: bits <= 8 ? file.subarray(14 + header, start) : Buffer.alloc(0),
    entry: isOld ? 3 : 4,
    masks: isMasked ? [54, 58, 62].map((at) => file.readUInt32LE(at)) : standard,
  };
}
