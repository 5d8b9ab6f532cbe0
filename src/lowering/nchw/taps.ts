/**
 * Sliding windows on NCHW without index tables: for one tap of the kernel the pixels that all windows see through it, and
 * the way back. Slice, Pad and Reshape only, which every provider has.
 */
import type { Value } from '../../graph/graph';
import { pad, reshape, slice, sliceAxes } from '../../ops/shape';
import type { Window } from '../windows';

export type Tap = readonly [row: number, column: number];

export const tapsOf = ({ kernel: [kh, kw] }: Pick<Window, 'kernel'>): Tap[] =>
  Array.from({ length: kh * kw }, (_, i) => [Math.floor(i / kw), i % kw]);

const AXES = [0, 1] as const;

/** The last row and column that a window reaches, counted from the padding's start. */
const reach = (window: Window, axis: 0 | 1) =>
  (window.count[axis] - 1) * window.strides[axis] + window.dilations[axis] * (window.kernel[axis] - 1) + 1;

/** x [A, B, H, W] with zeros around, just as far as windows reach. */
export function padForWindows(x: Value, window: Window): Value {
  const end = AXES.map((axis) => Math.max(0, reach(window, axis) - window.pads[axis] - window.size[axis]));
  return pad(x, [0, 0, ...window.pads], [0, 0, ...end]);
}

/** What the windows see through `tap`: padded x [A, B, ...] -> [A, B, Ho, Wo]. */
export function takeTap(padded: Value, window: Window, tap: Tap): Value {
  const { count, strides, dilations } = window;
  const starts = AXES.map((axis) => tap[axis] * dilations[axis]);
  const ends = AXES.map((axis) => starts[axis] + (count[axis] - 1) * strides[axis] + 1);
  const whole = strides.every((s) => s === 1) && AXES.every((a) => padded.shape[a + 2] === count[a]);
  return whole ? padded : sliceAxes(padded, { axes: [2, 3], starts, ends, steps: strides });
}

/** Whether each window's tap lies on the image, row-major [Ho, Wo]. */
export function tapInside({ size, count, strides, pads, dilations }: Window, tap: Tap): boolean[] {
  const inside = (axis: 0 | 1, window: number) => {
    const place = window * strides[axis] + tap[axis] * dilations[axis] - pads[axis];
    return place >= 0 && place < size[axis];
  };
  return Array.from(
    { length: count[0] * count[1] },
    (_, i) => inside(0, Math.floor(i / count[1])) && inside(1, i % count[1]),
  );
}

/**
 * The transpose of `takeTap`, on a canvas that all taps share: g [A, B, Ho, Wo] -> [A, B, rows, columns] with each window's
 * number at its tap's pixel and zeros elsewhere. `cropCanvas` cuts the image out of a sum of such canvases.
 */
export function placeTap(g: Value, window: Window, tap: Tap): Value {
  const { count, strides, dilations } = window;
  const [a, b] = g.shape as number[];
  const [rows, columns] = canvasCells(window);
  const offset = AXES.map((axis) => tap[axis] * dilations[axis]);
  // A cell is `stride` pixels: the tap's offset is so many whole cells and a place within the cell.
  const cells = AXES.map((axis) => Math.floor(offset[axis] / strides[axis]));
  const within = AXES.map((axis) => offset[axis] % strides[axis]);
  const spread = pad(
    reshape(g, [a, b, count[0], 1, count[1], 1]),
    [0, 0, cells[0], within[0], cells[1], within[1]],
    [
      0,
      0,
      rows - cells[0] - count[0],
      strides[0] - 1 - within[0],
      columns - cells[1] - count[1],
      strides[1] - 1 - within[1],
    ],
  );
  return reshape(spread, [a, b, rows * strides[0], columns * strides[1]]);
}

/** The canvas in cells of stride by stride pixels: as many as the windows and the image need. */
function canvasCells({ size, count, kernel, strides, pads, dilations }: Window): [number, number] {
  const cells = (axis: 0 | 1) =>
    Math.max(
      count[axis] + Math.floor((dilations[axis] * (kernel[axis] - 1)) / strides[axis]),
      Math.ceil((pads[axis] + size[axis]) / strides[axis]),
    );
  return [cells(0), cells(1)];
}

export function cropCanvas(canvas: Value, { size, pads }: Window): Value {
  const rows = slice(canvas, 2, pads[0], pads[0] + size[0]);
  return slice(rows, 3, pads[1], pads[1] + size[1]);
}
