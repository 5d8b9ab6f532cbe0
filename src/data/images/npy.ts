/** Images as arrays of NumPy: `.npy` files of [H, W], [H, W, C] or [C, H, W], whole numbers of 8 or 16 bits. */
import { UserError } from '../../base/errors';
import { allocatePixels } from '../../tensors/pixels';
import { asBuffer } from '../../base/buffers';
import { elementBytes, parseNpyHeader } from '../sources/python/numpyArray';
import type { DecodedImage } from './transforms';

const MAGIC = '\x93NUMPY';
/** As libvips refuses: 2^14 pixels a side. */
const MOST_PIXELS = 2 ** 28;

/** RGB and alpha. */
const MOST_OF_PICTURE = 4;

/** By the first bytes. */
export const isNpy = (bytes: Uint8Array): boolean => asBuffer(bytes).toString('latin1', 0, 6) === MAGIC;

interface NpyImage {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  /** stored as planes, channel first */
  readonly planar: boolean;
  readonly wide: boolean;
  readonly bigEndian: boolean;
  readonly start: number;
}

/** What the header says, as `decodeNpy` reads it. Errors as there. */
export function npyImage(bytes: Uint8Array, where: string, channels?: number): NpyImage {
  const { dtype, shape, fortran, start } = parseNpyHeader(asBuffer(bytes), where);
  const [, order, size] = /^([|<>=])u([12])$/.exec(dtype) ?? [];
  if (size === undefined)
    throw new UserError(
      `${where} cannot be decoded: its values are ${dtype}; an image has uint8 or uint16 (|u1, <u2)`,
    );
  if (fortran)
    throw new UserError(
      `${where} cannot be decoded: it is stored in Fortran order; save numpy.ascontiguousarray of it`,
    );
  const text = `(${shape.join(', ')})`;
  if ((shape.length !== 2 && shape.length !== 3) || shape.some((side) => !(side > 0)))
    throw new UserError(
      `${where} cannot be decoded: its shape is ${text}; an image is (height, width) or (height, width, channels)`,
    );
  const planar = shape.length === 3 && isPlanar(shape, channels);
  const [height, width, depth = 1] = planar ? [shape[1], shape[2], shape[0]] : shape;
  if (height * width > MOST_PIXELS)
    throw new UserError(
      `${where} cannot be decoded: its shape is ${text}; at most ${MOST_PIXELS} pixels are read`,
    );
  const length = elementBytes({ dtype, shape });
  if (bytes.length - start !== length)
    throw new UserError(
      `${where} cannot be decoded: it has ${bytes.length - start} bytes of values, its header says ${length}; it is cut off or damaged`,
    );
  const wide = size === '2';
  return { width, height, channels: depth, planar, wide, bigEndian: order === '>', start };
}

/**
 * Channels first where the first size alone is that of the channels asked for; where neither is, the last one where it is a
 * picture's, or else the smaller one.
 */
function isPlanar([first, , last]: readonly number[], channels: number | undefined): boolean {
  if (channels !== undefined && first !== last) {
    if (last === channels) return false;
    if (first === channels) return true;
  }
  return last > MOST_OF_PICTURE && first < last;
}

/**
 * The pixels in row, column, channel order. @param channels that the image is to have, which tells [C, H, W] from [H, W, C]
 * @throws UserError for other types and shapes, Fortran order, and for a file that is cut off
 */
export function decodeNpy(bytes: Uint8Array, where: string, channels?: number): DecodedImage {
  const { start, planar, wide, bigEndian, ...shape } = npyImage(bytes, where, channels);
  const { width, height, channels: depth } = shape;
  const area = width * height;
  const view = asBuffer(bytes);
  const pixels = allocatePixels(wide ? 16 : 8, area * depth);
  const value = (i: number) => {
    if (!wide) return view[start + i];
    return bigEndian ? view.readUInt16BE(start + 2 * i) : view.readUInt16LE(start + 2 * i);
  };
  for (let i = 0, at = 0; i < area; i++)
    for (let c = 0; c < depth; c++, at++) pixels[at] = value(planar ? c * area + i : at);
  return { width, height, channels: depth, pixels };
}
