/** One image's patch task as a picture: what is visible, each query's scores over the candidates, and what was picked. */
import { corner, isRight, patchPixels, type PatchTask } from './patches';
import { colour, DARK_FILL, escapeText, FONT, percent } from './theme';

/** Units of the picture; the side is the longer one of an image's. */
const SIDE = 224;
const GAP = 28;
const TITLE = 30;
/** between a heading of the table and its cells */
const HEAD = 6;

/** Smaller cells have room for small numbers only. */
const ROOMY = 30;

/** The place's name: its rank among the hidden ones, from 1. */
const nameOf = (query: number) => String(query + 1);

const label = (x: number, y: number, text: string, extra = '') =>
  `<text x="${x}" y="${y}" font-family='${FONT}' font-size="12" fill="${colour('muted')}" ${extra}>${escapeText(text)}</text>`;

const rect = (x: number, y: number, side: number, attributes: string, high = side) =>
  `<rect x="${x}" y="${y}" width="${side}" height="${high}" ${attributes}/>`;

/** The thin frame tells a white image from white paper. */
const image = (x: number, y: number, side: number, uri: string, high = side) =>
  `<image x="${x}" y="${y}" width="${side}" height="${high}" href="${uri}"/>` +
  rect(x, y, side, `fill="none" stroke="${colour('grid')}" stroke-width="1"`, high);

/** The sides of an image in the picture. */
function panelOf({ width, height }: Pick<PatchTask, 'width' | 'height'>): { wide: number; high: number } {
  const longer = Math.max(width, height);
  return { wide: (SIDE * width) / longer, high: (SIDE * height) / longer };
}

/** Sides of the table's cells for so many hidden places. */
const cellOf = (hidden: number) => Math.max(20, Math.min(44, Math.floor(260 / hidden)));

/** uint8 [height, width, channels] enlarged to at least `least` pixels a side by whole steps, as an address for `href`. */
export type PixelsUri = (
  pixels: Uint8Array,
  width: number,
  height: number,
  channels: number,
  least: number,
) => Promise<string>;

/** The picture as SVG in the theme's colours. `caption` stands above it. */
export async function patchPicture(task: PatchTask, caption: string, pixelsUri: PixelsUri): Promise<string> {
  const { patch, channels, hidden } = task;
  const { wide, high } = panelOf(task);
  const cell = cellOf(hidden.length);
  const table = (hidden.length + 1) * cell + HEAD;
  const tableX = wide + GAP + 26;
  const pickedX = tableX + table + 26 + GAP;
  const width = pickedX + wide;
  const height = TITLE + Math.max(high + 20, table + 18) + 6;
  const whole = await pixelsUri(task.image, task.width, task.height, channels, 2 * SIDE);
  const patches = await Promise.all(
    hidden.map((place) => pixelsUri(patchPixels(task, place), patch, patch, channels, 2 * cell)),
  );
  const right = hidden.filter((_, k) => isRight(task, k)).length;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="${escapeText(`${caption}: ${right} of ${hidden.length} hidden patches put in their place`)}">`,
    label(0, 16, caption, `font-weight="600" style="fill:${colour('ink')}"`),
    ...visiblePanel(task, whole, 0, TITLE),
    ...scoreTable(task, patches, tableX, TITLE, cell),
    ...pickedPanel(task, whole, patches, pickedX, TITLE),
    '</svg>',
  ].join('\n');
}

/** Where a hidden place lies in a panel. */
function placeBox(task: PatchTask, place: number, x: number, y: number) {
  const scale = SIDE / Math.max(task.width, task.height);
  const at = corner(task, place);
  return { x: x + at.x * scale, y: y + at.y * scale, side: task.patch * scale };
}

function visiblePanel(task: PatchTask, whole: string, x: number, y: number): string[] {
  const { wide, high } = panelOf(task);
  return [
    image(x, y, wide, whole, high),
    ...task.hidden.flatMap((place, k) => {
      const box = placeBox(task, place, x, y);
      const fontSize = Math.min(22, box.side * 0.55);
      return [
        rect(
          box.x,
          box.y,
          box.side,
          `fill="${colour('hidden')}" stroke="${colour('paper')}" stroke-width="1.5"`,
        ),
        `<text x="${box.x + box.side / 2}" y="${box.y + box.side / 2 + fontSize * 0.36}" font-family='${FONT}' font-size="${fontSize}" font-weight="600" text-anchor="middle" fill="${colour('ink')}">${nameOf(k)}</text>`,
      ];
    }),
    label(x, y + high + 18, `visible patches; ${task.hidden.length} places hidden`),
  ];
}

/** Rows are places, columns candidates; the darker, the higher the score; the picked one is framed. */
function scoreTable(
  task: PatchTask,
  patches: readonly string[],
  x: number,
  y: number,
  cell: number,
): string[] {
  const { hidden, scores, picked } = task;
  const n = hidden.length;
  const inset = cell > 26 ? 3 : 1;
  const left = x + cell + HEAD;
  const top = y + cell + HEAD;
  const parts = patches.map((uri, k) => image(left + k * cell + inset, y + inset, cell - 2 * inset, uri));
  for (let query = 0; query < n; query++) {
    const middle = top + query * cell + cell / 2 + 4;
    parts.push(label(x + cell - 2, middle, nameOf(query), 'text-anchor="end" font-weight="600"'));
    for (let k = 0; k < n; k++) {
      const score = scores[query * n + k];
      const at = { x: left + k * cell, y: top + query * cell };
      const fill = (attributes: string) => rect(at.x + 1, at.y + 1, cell - 2, `rx="2" ${attributes}`);
      const [fontSize, down] = cell >= ROOMY ? [11, 4] : [9, 3];
      const ink = score > DARK_FILL ? colour('paper') : colour('ink');
      parts.push(
        `<g><title>place ${nameOf(query)}, patch of place ${nameOf(k)}: ${percent(score)}</title>`,
        fill(`fill="${colour('panel')}"`),
        fill(`fill="${colour('accent')}" fill-opacity="${score.toFixed(3)}"`),
        `<text x="${at.x + cell / 2}" y="${at.y + cell / 2 + down}" font-family='${FONT}' font-size="${fontSize}" text-anchor="middle" fill="${ink}">${(100 * score).toFixed(0)}</text></g>`,
      );
    }
    const mark = isRight(task, query) ? colour('right') : colour('wrong');
    const pickedX = left + picked[query] * cell;
    parts.push(
      rect(
        pickedX + 1.5,
        top + query * cell + 1.5,
        cell - 3,
        `rx="2" fill="none" stroke="${mark}" stroke-width="3" pointer-events="none"`,
      ),
      `<text x="${left + n * cell + 6}" y="${middle}" font-family='${FONT}' font-size="14" font-weight="700" fill="${mark}">${isRight(task, query) ? '✓' : '✗'}</text>`,
    );
  }
  parts.push(label(x, top + n * cell + 16, 'place (row): score of each candidate, %'));
  return parts;
}

function pickedPanel(
  task: PatchTask,
  whole: string,
  patches: readonly string[],
  x: number,
  y: number,
): string[] {
  const right = task.hidden.filter((_, k) => isRight(task, k)).length;
  const { wide, high } = panelOf(task);
  return [
    image(x, y, wide, whole, high),
    ...task.hidden.flatMap((place, k) => {
      const box = placeBox(task, place, x, y);
      const good = isRight(task, k);
      const mark = good ? colour('right') : colour('wrong');
      return [
        image(box.x, box.y, box.side, patches[task.picked[k]]),
        rect(
          box.x + 1.5,
          box.y + 1.5,
          box.side - 3,
          `fill="none" stroke="${mark}" stroke-width="3" ${good ? '' : 'stroke-dasharray="6 4"'}`,
        ),
      ];
    }),
    label(x, y + high + 18, `picked: ${right} of ${task.hidden.length} right (wrong: dashed)`),
  ];
}
