/** Pixels of 8 and 16 bits: from one to the other, normalized, and as a picture shows them. */
import { joinPixels, normalizePixels, pixelsOf, withBits } from '../../src/tensors/pixels';
import { shownPixels } from '../../src/tensors/shownPixels';

test('white stays white both ways, and what has the bits is the very array', () => {
  const narrow = Uint8Array.of(0, 1, 254, 255);
  const wide = withBits(narrow, 16);
  expect([...wide]).toEqual([0, 257, 65_278, 65_535]);
  expect([...withBits(wide, 8)]).toEqual([...narrow]);
  expect([...withBits(Uint16Array.of(255, 256, 65_279), 8)]).toEqual([0, 1, 254]);
  expect(withBits(narrow, 8)).toBe(narrow);
  expect(withBits(wide, 16)).toBe(wide);
});

test('bytes at odd places are read', () => {
  expect([...pixelsOf(16, Uint8Array.of(9, 1, 2, 3, 4).subarray(1))]).toEqual([0x0201, 0x0403]);
  expect([...joinPixels(16, [Uint16Array.of(70), Uint16Array.of(900, 1)])]).toEqual([70, 900, 1]);
});

test('the largest value is 1 before mean and deviation', () => {
  const mean = [0.5, 0];
  const std = [0.5, 2];
  expect([...normalizePixels([255, 255, 0, 0], 2, 2, mean, std)]).toEqual([1, -1, 0.5, 0]);
  expect([...normalizePixels([65_535, 65_535, 0, 0], 2, 2, mean, std, 16)]).toEqual([1, -1, 0.5, 0]);
});

test('a picture has the first three bands, or the first of two; 16 bits are stretched over those that occur', () => {
  const rgb = Uint8Array.of(1, 2, 3);
  expect(shownPixels(rgb, 3).pixels).toBe(rgb);
  expect(shownPixels(Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8), 4)).toEqual({
    channels: 3,
    pixels: Uint8Array.of(1, 2, 3, 5, 6, 7),
  });
  expect(shownPixels(Uint8Array.of(1, 2, 3, 4), 2)).toEqual({ channels: 1, pixels: Uint8Array.of(1, 3) });
  const dark = Uint16Array.of(1000, 9, 1500, 60_000, 2000, 0);
  expect(shownPixels(dark, 2)).toEqual({ channels: 1, pixels: Uint8Array.of(0, 128, 255) });
  expect(shownPixels(Uint16Array.of(7, 7), 1)).toEqual({ channels: 1, pixels: Uint8Array.of(0, 0) });
});
