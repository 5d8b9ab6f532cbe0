/** Convolution and pooling by direct loops, with their gradients: what the implementations are compared with. */

export interface WindowAttributes {
  readonly kernel: readonly [number, number];
  readonly strides: readonly [number, number];
  /** top, left, bottom, right */
  readonly pads: readonly [number, number, number, number];
  readonly dilations: readonly [number, number];
}

export type Size = readonly [number, number];

export function mapSize(
  [h, w]: Size,
  { kernel, strides, pads, dilations }: WindowAttributes,
): [number, number] {
  const count = (size: number, axis: 0 | 1) =>
    Math.floor(
      (size + pads[axis] + pads[axis + 2] - dilations[axis] * (kernel[axis] - 1) - 1) / strides[axis],
    ) + 1;
  return [count(h, 0), count(w, 1)];
}

/** Calls `visit` for each window and tap; `pixel` is -1 where the tap lies in the padding. */
export function eachTap(
  size: Size,
  attrs: WindowAttributes,
  visit: (window: number, tap: number, pixel: number) => void,
): void {
  const [ho, wo] = mapSize(size, attrs);
  const { kernel, strides, pads, dilations } = attrs;
  for (let oy = 0; oy < ho; oy++)
    for (let ox = 0; ox < wo; ox++)
      for (let ty = 0; ty < kernel[0]; ty++)
        for (let tx = 0; tx < kernel[1]; tx++) {
          const y = oy * strides[0] + ty * dilations[0] - pads[0];
          const x = ox * strides[1] + tx * dilations[1] - pads[1];
          const inside = y >= 0 && y < size[0] && x >= 0 && x < size[1];
          visit(oy * wo + ox, ty * kernel[1] + tx, inside ? y * size[1] + x : -1);
        }
}

export interface ConvSizes {
  readonly n: number;
  readonly group: number;
  /** input and output channels of one group */
  readonly cg: number;
  readonly og: number;
  readonly size: Size;
}

/** y of x and w, and the gradients of sum(y dy) to x and w; all flat, NCHW and OIHW. */
export function convolve(
  { n, group, cg, og, size }: ConvSizes,
  attrs: WindowAttributes,
  x: readonly number[],
  w: readonly number[],
  dy: readonly number[],
) {
  const pixels = size[0] * size[1];
  const windows = mapSize(size, attrs).reduce((a, b) => a * b);
  const taps = attrs.kernel[0] * attrs.kernel[1];
  const y = new Array<number>(n * group * og * windows).fill(0);
  const dx = new Array<number>(n * group * cg * pixels).fill(0);
  const dw = new Array<number>(group * og * cg * taps).fill(0);
  for (let image = 0; image < n; image++)
    for (let o = 0; o < group * og; o++)
      for (let c = 0; c < cg; c++)
        eachTap(size, attrs, (window, tap, pixel) => {
          if (pixel < 0) return;
          const channel = Math.floor(o / og) * cg + c;
          const iy = (image * group * og + o) * windows + window;
          const ix = (image * group * cg + channel) * pixels + pixel;
          const iw = (o * cg + c) * taps + tap;
          y[iy] += x[ix] * w[iw];
          dx[ix] += dy[iy] * w[iw];
          dw[iw] += dy[iy] * x[ix];
        });
  return { y, dx, dw };
}

/** Max pooling of `planes` planes; the first of equal elements wins. */
export function maxPool(
  planes: number,
  size: Size,
  attrs: WindowAttributes,
  x: readonly number[],
  dy: readonly number[],
) {
  const pixels = size[0] * size[1];
  const windows = mapSize(size, attrs).reduce((a, b) => a * b);
  const y = new Array<number>(planes * windows).fill(-Infinity);
  const winner = new Array<number>(planes * windows).fill(-1);
  const dx = new Array<number>(planes * pixels).fill(0);
  for (let plane = 0; plane < planes; plane++)
    eachTap(size, attrs, (window, _tap, pixel) => {
      const iy = plane * windows + window;
      if (pixel < 0 || x[plane * pixels + pixel] <= y[iy]) return;
      y[iy] = x[plane * pixels + pixel];
      winner[iy] = plane * pixels + pixel;
    });
  winner.forEach((pixel, i) => (dx[pixel] += dy[i]));
  return { y, dx };
}

export function averagePool(
  planes: number,
  size: Size,
  attrs: WindowAttributes,
  includePad: boolean,
  x: readonly number[],
  dy: readonly number[],
) {
  const pixels = size[0] * size[1];
  const windows = mapSize(size, attrs).reduce((a, b) => a * b);
  const counts = new Array<number>(windows).fill(0);
  eachTap(size, attrs, (window, _tap, pixel) => (counts[window] += includePad || pixel >= 0 ? 1 : 0));
  const y = new Array<number>(planes * windows).fill(0);
  const dx = new Array<number>(planes * pixels).fill(0);
  for (let plane = 0; plane < planes; plane++)
    eachTap(size, attrs, (window, _tap, pixel) => {
      if (pixel < 0) return;
      y[plane * windows + window] += x[plane * pixels + pixel] / counts[window];
      dx[plane * pixels + pixel] += dy[plane * windows + window] / counts[window];
    });
  return { y, dx };
}
