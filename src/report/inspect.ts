/** `selfie inspect`: the patch task on one photograph. */
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { fileError } from '../atomic';
import { patchCounts } from '../bundle/checkRecipe';
import { readBundle } from '../bundle/read';
import { decodeCenter } from '../data/images';
import { shapedPatchOrder } from '../data/maskShapes';
import { UserError } from '../errors';
import type { HostTensor } from '../onnx/dtype';
import type { Provider } from '../runtime/providers';
import { pickCheckpoint } from '../training/checkpoints';
import { isRight, patchTask, pickedPixels, visiblePixels, type PatchTask } from './patches';
import { patchPicture } from './patchPicture';
import { pixelsUri, shrinkPixels, svgToPng } from './png';
import { withEvaluation } from './predictions';
import { halfBlocks } from './terminalImage';
import { percent, standalone } from './theme';

export interface InspectOptions {
  readonly directory: string;
  /** JPEG, PNG or WebP of any size; its middle is taken */
  readonly image: string;
  /** step or file; default: the newest */
  readonly checkpoint?: string;
  /** which places are hidden, default 0 */
  readonly seed?: number;
  readonly provider?: Provider;
  readonly threads?: number;
}

/** Asks the network where the hidden patches of the image belong. Throws a UserError for whatever is not there or does not fit. */
export async function inspectImage(
  { directory, image: file, checkpoint: which, seed = 0, provider, threads }: InspectOptions,
  warn: (line: string) => void = () => {},
): Promise<PatchTask> {
  const bundle = readBundle(directory);
  const { recipe, graphs } = bundle.manifest;
  if (recipe.task !== 'pretrain')
    throw new UserError(
      `${directory}: a ${recipe.task} run hides no patches; give the folder of a pretraining run`,
    );
  const { size, channels } = recipe.image;
  const pixels = (await decodeCenter(readBytes(file), file, size, channels === 1 ? 1 : 3)).pixels;
  const { grid, patches, hidden } = patchCounts(recipe);
  const order = shapedPatchOrder(recipe.patch.mask, seed, 0, 0, grid, hidden);
  const checkpoint = pickCheckpoint(directory, which, warn);
  // The graph takes whole batches; the others are the same image again.
  const images = new Uint8Array(pixels.length * recipe.batch);
  const orders = new BigInt64Array(patches * recipe.batch);
  for (let i = 0; i < recipe.batch; i++) {
    images.set(pixels, i * pixels.length);
    order.forEach((place, j) => (orders[i * patches + j] = BigInt(place)));
  }
  const feeds = graphs.eval.inputs
    .filter(({ role }) => role === 'batch')
    .map(({ name, dtype, shape }): [string, HostTensor] => [
      name,
      { dtype, shape: shape.map(Number), data: name === 'images' ? images : orders },
    ]);
  const settings = { provider, threads: threads ?? availableParallelism() };
  const logits = await withEvaluation(bundle, checkpoint, settings, async (evaluate) => {
    const output = (await evaluate(feeds)).get('logits');
    if (!output) throw new UserError(`${directory}: its eval.onnx gives no logits; build the bundle again`);
    return Float32Array.from(output.data.subarray(0, hidden * hidden) as Float32Array);
  });
  return patchTask({ size, channels, patch: recipe.patch.size }, pixels, order, logits);
}

function readBytes(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw fileError('read', file, error);
  }
}

/** The picture as PNG. */
export const inspectionPng = async (task: PatchTask, caption: string) =>
  svgToPng(standalone(await patchPicture(task, caption, pixelsUri)));

/** The picture of half blocks: what is visible, and beside it the image as it was put together. */
export async function inspectionBlocks(
  task: PatchTask,
  columns: number,
  trueColour: boolean,
): Promise<string[]> {
  const { size, channels } = task;
  const side = Math.max(8, Math.min(64, Math.floor((columns - 3) / 2))) & ~1;
  const shown = await Promise.all(
    [visiblePixels(task), pickedPixels(task)].map(async (pixels) =>
      halfBlocks(
        await shrinkPixels(pixels, { width: size, height: size, channels }, side, side),
        side,
        side,
        trueColour,
      ),
    ),
  );
  const heading = `${'visible'.padEnd(side)}   picked`;
  return [heading, ...shown[0].map((row, i) => `${row}   ${shown[1][i]}`)];
}

/** The scores as text: rows are places, columns candidates. */
export function inspectionTable({ hidden, scores, picked, ...task }: PatchTask): string[] {
  const whole: PatchTask = { hidden, scores, picked, ...task };
  const n = hidden.length;
  const grid = Math.floor(task.size / task.patch);
  const where = (place: number) => `row ${Math.floor(place / grid) + 1}, column ${(place % grid) + 1}`;
  const width = Math.max(...hidden.map((place) => where(place).length));
  const cell = (score: number, chosen: boolean) =>
    (chosen ? `[${(100 * score).toFixed(0)}]` : `${(100 * score).toFixed(0)} `).padStart(6);
  const right = hidden.filter((_, k) => isRight(whole, k)).length;
  return [
    `${'hidden place'.padEnd(width + 4)}score of each hidden patch, % ([..] is picked)`,
    `${' '.repeat(width + 4)}${hidden.map((_, k) => `${k + 1} `.padStart(6)).join('')}`,
    ...hidden.map((place, query) => {
      const row = hidden.map((_, k) => cell(scores[query * n + k], picked[query] === k)).join('');
      const verdict = isRight(whole, query) ? 'right' : `wrong: the patch of place ${picked[query] + 1}`;
      return `${String(query + 1).padStart(2)}  ${where(place).padEnd(width)}${row}  ${verdict}`;
    }),
    `${right} of ${n} right (${percent(right / n)}, chance ${percent(1 / n)})`,
  ];
}
