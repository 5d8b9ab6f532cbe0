/** Pixels: whole numbers of 8 or 16 bits, and how networks take them. */

export type PixelBits = 8 | 16;
/** Elements of 8 or 16 bits. */
export type Pixels = Uint8Array | Uint16Array;

/** The dtype of tensors of pixels. */
export const pixelType = (bits: PixelBits): 'uint8' | 'uint16' => (bits === 16 ? 'uint16' : 'uint8');

/** Bits of an element: asked of its size, as its class may be another realm's. */
export const bitsOf = (pixels: Pixels): PixelBits => (pixels.BYTES_PER_ELEMENT === 2 ? 16 : 8);

/** The largest value, which 1 of `mean` and `std` stands for: 255 or 65535. */
export const largestPixel = (bits: PixelBits): number => 2 ** bits - 1;

/** Zeros. */
export const allocatePixels = (bits: PixelBits, length: number): Pixels =>
  bits === 16 ? new Uint16Array(length) : new Uint8Array(length);

/** The elements behind `bytes`, in the order of this machine; copies only where the offset is not aligned. */
export function pixelsOf(bits: PixelBits, bytes: Uint8Array): Pixels {
  if (bits === 8) return bytes;
  const aligned = bytes.byteOffset % 2 === 0 ? bytes : new Uint8Array(bytes);
  return new Uint16Array(aligned.buffer, aligned.byteOffset, aligned.byteLength / 2);
}

/**
 * The same pixels in so many bits: 8 become 16 by 257, so that white stays white; of 16 the upper 8 stay, as libvips has it. As
 * they are where they have them already.
 */
export function withBits(pixels: Pixels, bits: PixelBits): Pixels {
  if (bitsOf(pixels) === bits) return pixels;
  const result = allocatePixels(bits, pixels.length);
  if (bits === 16) for (let i = 0; i < pixels.length; i++) result[i] = pixels[i] * 257;
  else for (let i = 0; i < pixels.length; i++) result[i] = pixels[i] >> 8;
  return result;
}

/** Several arrays of equal bits as one. */
export function joinPixels(bits: PixelBits, parts: readonly Pixels[]): Pixels {
  const result = allocatePixels(
    bits,
    parts.reduce((sum, { length }) => sum + length, 0),
  );
  let at = 0;
  for (const part of parts) {
    result.set(part, at);
    at += part.length;
  }
  return result;
}

/** (x / largest - mean) / std of pixels [N, H, W, C] as float32 [N, C, H, W]; mean and std one a channel. */
export function normalizePixels(
  pixels: ArrayLike<number>,
  channels: number,
  area: number,
  mean: readonly number[],
  std: readonly number[],
  bits: PixelBits = 8,
): Float32Array {
  const result = new Float32Array(pixels.length);
  const largest = largestPixel(bits);
  for (let image = 0; image < pixels.length; image += channels * area)
    for (let c = 0; c < channels; c++)
      for (let p = 0; p < area; p++)
        result[image + c * area + p] = (pixels[image + p * channels + c] / largest - mean[c]) / std[c];
  return result;
}
