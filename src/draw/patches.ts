/** What the pretraining task asks of one image, and what the network answered: pure numbers and pixels. */
import { argmax, softmax } from '../tensors/rows';

export interface PatchTask {
  /** in pixels */
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  /** side of a patch in pixels */
  readonly patch: number;
  /** uint8 [height, width, channels] */
  readonly image: Uint8Array;
  /** hidden places, row-major in the grid, ascending; candidate k is the patch that was cut from hidden[k] */
  readonly hidden: readonly number[];
  /** [hidden, hidden], softmax over the candidates: row k is the query for the place hidden[k] */
  readonly scores: Float32Array;
  /** candidate with the highest score, of each query */
  readonly picked: readonly number[];
}

/** An image with the network's answer: `order` the places, the hidden ones last; `logits` [hidden, hidden]. */
export interface AnsweredPatches extends Pick<
  PatchTask,
  'width' | 'height' | 'channels' | 'patch' | 'image'
> {
  readonly order: ArrayLike<number>;
  readonly logits: Float32Array;
}

export function patchTask({ order, logits, ...image }: AnsweredPatches): PatchTask {
  const count = Math.round(Math.sqrt(logits.length));
  const hidden = Array.from(order).slice(-count);
  const scores = new Float32Array(logits.length);
  const picked = hidden.map((_, k) => {
    const row = logits.subarray(k * count, (k + 1) * count);
    scores.set(softmax(row), k * count);
    return argmax(row);
  });
  return { ...image, hidden, scores, picked };
}

export const isRight = ({ picked }: PatchTask, query: number) => picked[query] === query;

/** Upper left corner of `place` in pixels. */
export function corner(
  { width, patch }: Pick<PatchTask, 'width' | 'patch'>,
  place: number,
): { x: number; y: number } {
  const columns = Math.floor(width / patch);
  return { x: (place % columns) * patch, y: Math.floor(place / columns) * patch };
}

/** Pixels of the patch at `place`, uint8 [patch, patch, channels]. */
export function patchPixels(task: PatchTask, place: number): Uint8Array {
  const { image, width, patch, channels } = task;
  const { x, y } = corner(task, place);
  const out = new Uint8Array(patch * patch * channels);
  for (let row = 0; row < patch; row++) {
    const start = ((y + row) * width + x) * channels;
    out.set(image.subarray(start, start + patch * channels), row * patch * channels);
  }
  return out;
}

/** The image with `pixels(k)` at the k-th hidden place, a value for all or a patch. */
function withHidden(task: PatchTask, pixels: (query: number) => Uint8Array | number): Uint8Array {
  const { width, patch, channels, hidden } = task;
  const out = Uint8Array.from(task.image);
  hidden.forEach((place, k) => {
    const { x, y } = corner(task, place);
    const content = pixels(k);
    for (let row = 0; row < patch; row++) {
      const start = ((y + row) * width + x) * channels;
      const end = start + patch * channels;
      if (typeof content === 'number') out.fill(content, start, end);
      else out.set(content.subarray(row * patch * channels, (row + 1) * patch * channels), start);
    }
  });
  return out;
}

const GRAY = 128;

/** What the network sees: hidden places gray. */
export const visiblePixels = (task: PatchTask) => withHidden(task, () => GRAY);

/** The image as the network put it together: at each hidden place the patch that it picked. */
export const pickedPixels = (task: PatchTask) =>
  withHidden(task, (k) => patchPixels(task, task.hidden[task.picked[k]]));
