/** Rows of small images as one picture: a query and its nearest neighbours. */
import { maxOf } from '../base/lists';
import { colour, escapeText, FONT } from './theme';

export interface RowImage {
  /** data: address */
  readonly uri: string;
  readonly caption: string;
  /** same class as the row's first image; null: unknown */
  readonly match: boolean | null;
}

const SIDE = 92;
const GAP = 12;
/** between the query and the others */
const APART = 26;
const CAPTION = 32;
const MOST_LETTERS = 17;

const shorten = (text: string) => (text.length > MOST_LETTERS ? `${text.slice(0, MOST_LETTERS - 1)}…` : text);

/** Each row's first image is the query; the frame of the others says whether the class agrees. */
export function imageRows(rows: readonly (readonly RowImage[])[], description: string): string {
  const columns = maxOf(rows.map((row) => row.length));
  const width = columns * (SIDE + GAP) + APART;
  const height = rows.length * (SIDE + CAPTION);
  const parts = rows.flatMap((row, r) =>
    row.map(({ uri, caption, match }, c) => {
      const x = c * (SIDE + GAP) + (c > 0 ? APART : 0) + 3;
      const y = r * (SIDE + CAPTION) + 3;
      const mark = match === null ? colour('grid') : match ? colour('right') : colour('wrong');
      const frame =
        c === 0
          ? ''
          : `<rect x="${x - 1.5}" y="${y - 1.5}" width="${SIDE + 3}" height="${SIDE + 3}" fill="none" stroke="${mark}" stroke-width="3" ${match === false ? 'stroke-dasharray="6 4"' : ''}/>`;
      const text = shorten(caption);
      return `<image x="${x}" y="${y}" width="${SIDE}" height="${SIDE}" href="${uri}"/>${frame}<text x="${x + SIDE / 2}" y="${y + SIDE + 17}" font-family='${FONT}' font-size="11" text-anchor="middle" fill="${c === 0 ? colour('ink') : colour('muted')}">${escapeText(text)}</text>`;
    }),
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="${escapeText(description)}">${parts.join('\n')}</svg>`;
}
