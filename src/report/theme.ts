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

/** `svg` for a file of its own: light colours by value, on paper. */
export function standalone(svg: string): string {
  const named = svg.replace(/var\(--(\w+)\)/g, (text, name: string) => COLOURS[name]?.[0] ?? text);
  return named.replace(/^(<svg[^>]*>)/, `$1<rect width="100%" height="100%" fill="${COLOURS.paper[0]}"/>`);
}

/** The declarations of all colours, for the page. */
export function colourVariables(): string {
  const list = (mode: 0 | 1) =>
    Object.entries(COLOURS)
      .map(([name, pair]) => `--${name}:${pair[mode]}`)
      .join(';');
  return `:root{${list(0)}}\n@media (prefers-color-scheme: dark){:root{${list(1)}}}`;
}

export const escapeText = (text: string) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

export const percent = (fraction: number, digits = 1) =>
  Number.isFinite(fraction) ? `${(100 * fraction).toFixed(digits)} %` : 'none';
