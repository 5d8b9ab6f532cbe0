/** `selfie inspect`: the patch task on one photograph, as pictures and text. */
import { maxOf } from '../base/lists';
import { askPatches, type AskOptions } from '../evaluation/askPatches';
import { isRight, patchTask, pickedPixels, visiblePixels, type PatchTask } from '../draw/patches';
import { patchPicture } from '../draw/patchPicture';
import { pixelsUri, shrinkPixels, svgToPng } from '../draw/png';
import { halfBlocks } from '../draw/terminalImage';
import { percent, standalone } from '../draw/theme';

/** What the network answers of the image. Throws a UserError for whatever is not there or does not fit. */
export const inspectImage = async (options: AskOptions, warn?: (line: string) => void): Promise<PatchTask> =>
  patchTask(await askPatches(options, warn));

/** The picture as PNG. */
export const inspectionPng = async (task: PatchTask, caption: string) =>
  svgToPng(standalone(await patchPicture(task, caption, pixelsUri)));

/** The picture of half blocks: what is visible, and beside it the image as it was put together. */
export async function inspectionBlocks(
  task: PatchTask,
  columns: number,
  trueColour: boolean,
): Promise<string[]> {
  const { width, height, channels } = task;
  // Half a character is a pixel, so that its rows are even.
  const wide = Math.max(8, Math.min(64, Math.floor((columns - 3) / 2))) & ~1;
  const high = Math.max(2, 2 * Math.round((wide * height) / width / 2));
  const shown = await Promise.all(
    [visiblePixels(task), pickedPixels(task)].map(async (pixels) =>
      halfBlocks(await shrinkPixels(pixels, { width, height, channels }, wide, high), wide, high, trueColour),
    ),
  );
  const heading = `${'visible'.padEnd(wide)}   picked`;
  return [heading, ...shown[0].map((row, i) => `${row}   ${shown[1][i]}`)];
}

/** The scores as text: rows are places, columns candidates. */
export function inspectionTable({ hidden, scores, picked, ...task }: PatchTask): string[] {
  const whole: PatchTask = { hidden, scores, picked, ...task };
  const n = hidden.length;
  const across = Math.floor(task.width / task.patch);
  const where = (place: number) => `row ${Math.floor(place / across) + 1}, column ${(place % across) + 1}`;
  const width = maxOf(hidden.map((place) => where(place).length));
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
