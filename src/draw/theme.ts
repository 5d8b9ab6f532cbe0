/** Colours and type of every picture: names in the page, where light and dark differ, and plain values in files. */

/** [light, dark] by name; in an SVG a colour is written `var(--name)`. Series: Okabe and Ito, safe for colour-blind eyes. */
const COLOURS: Readonly<Record<string, readonly [light: string, dark: string]>> = {
  paper: ['#ffffff', '#14171c'],
  panel: ['#f6f7f9', '#1c2027'],
  ink: ['#1b1f24', '#e8eaed'],
  muted: ['#5b6470', '#a3acb8'],
  grid: ['#e3e6ea', '#2d333c'],
  accent: ['#0067a5', '#58b4ec'],
  right: ['#0067a5', '#58b4ec'],
  wrong: ['#c2410c', '#fb923c'],
  hidden: ['#c9ced6', '#3a414c'],
  series1: ['#0072b2', '#56b4e9'],
  series2: ['#d55e00', '#ff8f3f'],
  series3: ['#009e73', '#2fd0a2'],
  series4: ['#a4508b', '#e29bc8'],
  series5: ['#b58900', '#f0c942'],
  series6: ['#4d4d4d', '#c8c8c8'],
  series7: ['#6a51a3', '#b6a3ea'],
  series8: ['#8c510a', '#d8a468'],
  series9: ['#1b7fa3', '#8ad3e8'],
  series10: ['#b2182b', '#ff8a94'],
};

export const SERIES_COUNT = 10;
export const FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif';

export const colour = (name: string) => `var(--${name})`;

/** The colour of series `index`, from 0; they repeat after ten. */
export const seriesColour = (index: number) => colour(`series${(index % SERIES_COUNT) + 1}`);

/** Units of paper around a picture in a file of its own. */
const MARGIN = 14;

/** `svg` for a file of its own: light colours by value, on paper, with a margin. */
export function standalone(svg: string): string {
  const named = svg.replace(/var\(--(\w+)\)/g, (text, name: string) => COLOURS[name]?.[0] ?? text);
  return named.replace(/^<svg[^>]*>/, (tag) => {
    const [, width, height] = /viewBox="0 0 ([\d.]+) ([\d.]+)"/.exec(tag) ?? [];
    if (width === undefined || height === undefined) throw new Error(`a picture without a size: ${tag}`);
    const [w, h] = [Number(width) + 2 * MARGIN, Number(height) + 2 * MARGIN];
    const grown = tag
      .replace(/ width="[^"]*"/, ` width="${w}"`)
      .replace(/ height="[^"]*"/, ` height="${h}"`)
      .replace(/viewBox="[^"]*"/, `viewBox="${-MARGIN} ${-MARGIN} ${w} ${h}"`);
    const paper = `fill="${COLOURS.paper[0]}"`;
    return `${grown}<rect x="${-MARGIN}" y="${-MARGIN}" width="${w}" height="${h}" ${paper}/>`;
  });
}

/** The declarations of all colours, for the page. */
export function colourVariables(): string {
  const list = (mode: 0 | 1) =>
    Object.entries(COLOURS)
      .map(([name, pair]) => `--${name}:${pair[mode]}`)
      .join(';');
  return `:root{${list(0)}}\n@media (prefers-color-scheme: dark){:root{${list(1)}}}`;
}

// eslint-disable-next-line no-control-regex
const CONTROL = /[\x00-\x08\x0b\x0c\x0e-\x1f]/g;

/** For HTML and SVG, which have no control characters. */
export const escapeText = (text: string) =>
  text
    .replace(CONTROL, '?')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');

/** Above this opacity of the accent colour, text on it is readable in the colour of paper rather than of ink. */
export const DARK_FILL = 0.65;

export const percent = (fraction: number, digits = 1) =>
  Number.isFinite(fraction) ? `${(100 * fraction).toFixed(digits)} %` : 'none';
