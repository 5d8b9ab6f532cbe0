/** Sliding windows over an image: which pixels a window covers, and which windows cover a pixel. */
import { windowCount } from '../ops/conv';

export interface Window {
  /** height and width of the image */
  readonly size: readonly [number, number];
  /** height and width of the map of windows */
  readonly count: readonly [number, number];
  readonly kernel: readonly [number, number];
  readonly strides: readonly [number, number];
  /** top, left */
  readonly pads: readonly [number, number];
  readonly dilations: readonly [number, number];
}

/** The windows of a convolution or a pool over maps of `size`. */
export function windowOf(
  size: readonly number[],
  kernel: readonly number[],
  {
    strides,
    pads,
    dilations = [1, 1],
  }: Pick<Window, 'strides'> & Partial<Pick<Window, 'dilations'>> & { readonly pads: readonly number[] },
): Window {
  const count = (axis: 0 | 1) =>
    windowCount(size[axis], kernel[axis], strides[axis], pads[axis] + pads[axis + 2], dilations[axis]);
  return {
    size: [size[0], size[1]],
    count: [count(0), count(1)],
    kernel: [kernel[0], kernel[1]],
    strides,
    pads: [pads[0], pads[1]],
    dilations,
  };
}

const grid = (rows: number, columns: number) =>
  Array.from({ length: rows * columns }, (_, i): [number, number] => [Math.floor(i / columns), i % columns]);

/** For each window, row-major, each tap's pixel index; size[0] * size[1] where the tap lies in the padding. */
export function windowPixels({ size, count, kernel, strides, pads, dilations }: Window): number[] {
  const outside = size[0] * size[1];
  return grid(...count).flatMap(([oy, ox]) =>
    grid(...kernel).map(([ty, tx]) => {
      const y = oy * strides[0] - pads[0] + ty * dilations[0];
      const x = ox * strides[1] - pads[1] + tx * dilations[1];
      return y < 0 || y >= size[0] || x < 0 || x >= size[1] ? outside : y * size[1] + x;
    }),
  );
}

/** How many pixels each window covers, row-major; all of the kernel's with `includePad`. */
export function coveredPixels(window: Window, includePad: boolean): number[] {
  const taps = window.kernel[0] * window.kernel[1];
  const outside = window.size[0] * window.size[1];
  const pixels = windowPixels(window);
  return Array.from({ length: window.count[0] * window.count[1] }, (_, i) =>
    includePad ? taps : pixels.slice(i * taps, (i + 1) * taps).filter((p) => p !== outside).length,
  );
}

/**
 * Pixels grouped by their residue modulo the strides. Within a class the same taps of the kernel reach every pixel, so the
 * gradient of a strided window needs no multiplication by zero.
 */
export interface ResidueClass {
  /** pixel indices, row-major */
  readonly pixels: readonly number[];
  /** kernel taps that can reach them, row-major tap indices */
  readonly taps: readonly number[];
  /** for each pixel, each tap's window index; count[0] * count[1] where there is no such window */
  readonly windows: readonly number[];
}

export function residueClasses({ size, count, kernel, strides, pads, dilations }: Window): ResidueClass[] {
  const none = count[0] * count[1];
  const allTaps = grid(...kernel);
  return grid(Math.min(strides[0], size[0]), Math.min(strides[1], size[1])).map(([ry, rx]) => {
    const rows = Math.ceil((size[0] - ry) / strides[0]);
    const columns = Math.ceil((size[1] - rx) / strides[1]);
    const places = grid(rows, columns).map(([i, j]): [number, number] => [
      ry + i * strides[0],
      rx + j * strides[1],
    ]);
    const aligned = ([ty, tx]: [number, number]) =>
      (ry + pads[0] - ty * dilations[0]) % strides[0] === 0 &&
      (rx + pads[1] - tx * dilations[1]) % strides[1] === 0;
    const taps = allTaps.flatMap((tap, i) => (aligned(tap) ? [i] : []));
    const windows = places.flatMap(([y, x]) =>
      taps.map((tap) => {
        const [ty, tx] = allTaps[tap];
        const oy = (y + pads[0] - ty * dilations[0]) / strides[0];
        const ox = (x + pads[1] - tx * dilations[1]) / strides[1];
        return oy < 0 || oy >= count[0] || ox < 0 || ox >= count[1] ? none : oy * count[1] + ox;
      }),
    );
    return { pixels: places.map(([y, x]) => y * size[1] + x), taps, windows };
  });
}
