/** Pixels as networks take them. */

/** (x / 255 - mean) / std of uint8 [N, H, W, C] as float32 [N, C, H, W]; mean and std one a channel. */
export function normalizePixels(
  pixels: ArrayLike<number>,
  channels: number,
  area: number,
  mean: readonly number[],
  std: readonly number[],
): Float32Array {
  const result = new Float32Array(pixels.length);
  for (let image = 0; image < pixels.length; image += channels * area)
    for (let c = 0; c < channels; c++)
      for (let p = 0; p < area; p++)
        result[image + c * area + p] = (pixels[image + p * channels + c] / 255 - mean[c]) / std[c];
  return result;
}
