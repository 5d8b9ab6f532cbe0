/** The report as one HTML page that loads nothing: sections, tables and inlined SVG. */
import { colourVariables, escapeText, FONT } from './theme';

/** HTML; everything else is text and is escaped on its way in. */
export type Html = string;

export interface Section {
  /** for links within the page */
  readonly id: string;
  readonly title: string;
  readonly body: Html;
}

const STYLE = `
*{box-sizing:border-box}
html{color-scheme:light dark;scroll-behavior:smooth;scroll-padding-top:4rem}
body{margin:0;font:16px/1.55 ${FONT};color:var(--ink);background:var(--paper)}
main,header .in,nav .in{max-width:72rem;margin:0 auto;padding:0 1.5rem}
header{padding:2.5rem 0 1rem}
header p{margin:.25rem 0 0;color:var(--muted)}
h1{font-size:1.9rem;line-height:1.2;letter-spacing:-.02em;margin:0}
h2{font-size:1.35rem;letter-spacing:-.01em;margin:0 0 .35rem}
h3{font-size:1rem;margin:1.75rem 0 .35rem}
section{padding:2rem 0 1.25rem;border-top:1px solid var(--grid)}
section:first-child{border-top:0}
p{max-width:46rem;margin:.35rem 0 .9rem}
.note{color:var(--muted);font-size:.9rem}
nav{position:sticky;top:0;background:var(--paper);border-bottom:1px solid var(--grid);z-index:1}
nav .in{display:flex;flex-wrap:wrap;gap:.15rem 1.25rem;padding-top:.6rem;padding-bottom:.6rem}
nav a{color:var(--muted);text-decoration:none;font-size:.92rem}
nav a:hover,nav a:focus-visible{color:var(--accent);text-decoration:underline}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,26rem),1fr));gap:1.25rem 2rem}
figure{margin:0 0 1.5rem;overflow-x:auto}
figure svg{display:block;max-width:100%;height:auto}
.pictures{display:grid;gap:1.75rem}
.pictures svg{min-width:40rem}
.key{display:flex;flex-wrap:wrap;gap:.3rem 1.3rem;margin:.5rem 0 1rem;font-size:.92rem}
.key i{display:inline-block;width:1.4em;height:.28em;border-radius:2px;margin-right:.5em;vertical-align:.22em}
.scroll{overflow-x:auto}
table{border-collapse:collapse;font-size:.92rem;font-variant-numeric:tabular-nums;margin:.5rem 0 1rem}
th,td{padding:.42rem .9rem .42rem 0;text-align:left;border-bottom:1px solid var(--grid);vertical-align:top}
th{font-weight:600;color:var(--muted);font-size:.84rem;vertical-align:bottom}
td.n,th.n{text-align:right}
td{overflow-wrap:break-word}
td.n{white-space:nowrap}
td small{display:block;white-space:nowrap;color:var(--muted);font-size:.82rem}
details{margin:.5rem 0}
summary{cursor:pointer;color:var(--accent)}
pre{background:var(--panel);padding:1rem;border-radius:8px;font:.82rem/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;overflow-x:auto}
footer{color:var(--muted);font-size:.85rem;padding:1.5rem 0 3rem}
@media print{nav{display:none}section{break-inside:avoid}}
`;

/** The page; its policy forbids whatever is not in it. */
export function reportPage(
  title: string,
  subtitle: string,
  sections: readonly Section[],
  footer: string,
): Html {
  const links = sections.map(({ id, title: text }) => `<a href="#${id}">${escapeText(text)}</a>`);
  const bodies = sections.map(
    ({ id, title: text, body }) => `<section id="${id}">\n<h2>${escapeText(text)}</h2>\n${body}\n</section>`,
  );
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<link rel="icon" href="data:,">
<title>${escapeText(title)}</title>
<style>${colourVariables()}${STYLE}</style>
</head>
<body>
<header><div class="in"><h1>${escapeText(title)}</h1><p>${escapeText(subtitle)}</p></div></header>
<nav aria-label="sections"><div class="in">${links.join('\n')}</div></nav>
<main>
${bodies.join('\n')}
<footer>${escapeText(footer)}</footer>
</main>
</body>
</html>
`;
}

export const paragraph = (text: string, note = false): Html =>
  `<p${note ? ' class="note"' : ''}>${escapeText(text)}</p>`;

export const heading = (text: string): Html => `<h3>${escapeText(text)}</h3>`;

/** SVG as it is. */
export const figure = (svg: string): Html => `<figure>${svg}</figure>`;

/** A cell: text, or text with smaller lines below it. */
export type Cell = string | readonly [text: string, ...below: string[]];

/** Paths may break behind a slash. */
const breakable = (text: string) => escapeText(text).replaceAll('/', '/<wbr>');

/** `numbers`: columns aligned to the right. */
export function table(
  head: readonly string[],
  rows: readonly (readonly Cell[])[],
  numbers: ReadonlySet<number>,
): Html {
  const attribute = (column: number) => (numbers.has(column) ? ' class="n"' : '');
  const cell = (content: Cell) => {
    const [first, ...below] = typeof content === 'string' ? [content] : content;
    return `${breakable(first)}${below.map((line) => `<small>${escapeText(line)}</small>`).join('')}`;
  };
  const headings = head.map((text, i) => `<th scope="col"${attribute(i)}>${escapeText(text)}</th>`);
  const lines = rows.map(
    (row) => `<tr>${row.map((content, i) => `<td${attribute(i)}>${cell(content)}</td>`).join('')}</tr>`,
  );
  return `<div class="scroll"><table>\n<thead><tr>${headings.join('')}</tr></thead>\n<tbody>\n${lines.join('\n')}\n</tbody></table></div>`;
}

export const details = (summary: string, text: string): Html =>
  `<details><summary>${escapeText(summary)}</summary><pre>${escapeText(text)}</pre></details>`;

/** Colours and what they stand for. */
export const key = (entries: readonly (readonly [colour: string, name: string])[]): Html =>
  `<div class="key">${entries.map(([value, name]) => `<span><i style="background:${value}"></i>${escapeText(name)}</span>`).join('')}</div>`;
