/** Pixels of any channels and bits as pictures have them: gray or RGB, 8 bits. */
import { bitsOf, largestPixel, type Pixels } from './pixels';

/** What a picture shows of an image. */
export interface ShownPixels {
  readonly channels: 1 | 3;
  readonly pixels: Uint8Array;
}

/**
 * The first three of `channels` as red, green and blue, or the first alone where there are fewer. Of 16 bits the values that
 * occur are stretched over all that a picture has, because measurements often fill a small part of their range.
 */
export function shownPixels(pixels: Pixels, channels: number): ShownPixels {
  const bits = bitsOf(pixels);
  if (bits === 8 && (channels === 1 || channels === 3)) return { channels, pixels: pixels as Uint8Array };
  const kept = channels < 3 ? 1 : 3;
  const count = pixels.length / channels;
  let [low, high] = [0, largestPixel(bits)];
  if (bits === 16) {
    [low, high] = [high, low];
    for (let i = 0; i < count; i++)
      for (let c = 0; c < kept; c++) {
        low = Math.min(low, pixels[i * channels + c]);
        high = Math.max(high, pixels[i * channels + c]);
      }
  }
  const scale = high > low ? 255 / (high - low) : 0;
  const shown = new Uint8Array(count * kept);
  for (let i = 0, at = 0; i < count; i++)
    for (let c = 0; c < kept; c++) shown[at++] = Math.round((pixels[i * channels + c] - low) * scale);
  return { channels: kept, pixels: shown };
}
