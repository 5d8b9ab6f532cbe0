/** The profile as one HTML page that needs nothing else: a flame graph (d3-flame-graph) above the tables. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Frame } from './flame';

/** Two views of the same time. */
export interface Views {
  readonly byPhase: Frame;
  readonly byScope: Frame;
}

/** `d3`, with what flameGraph.bundle.d.ts says, and its style. */
const library = (extension: 'js' | 'css') =>
  readFileSync(path.join(__dirname, `flameGraph.bundle.${extension}`), 'utf8');

const escape = (text: string) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

/** A script's text may not hold the end tag of scripts. */
const script = (text: string) => `<script>${text.replaceAll('</script', '<\\/script')}</script>`;

const STYLE = `
body { margin: 1.5rem; font-family: system-ui, sans-serif; color: #222; background: #fff; }
h1 { font-size: 1.2rem; }
.bar { display: flex; flex-wrap: wrap; gap: .5rem 1rem; align-items: center; margin: .5rem 0; font-size: .85rem; }
.key i { display: inline-block; width: .9em; height: .9em; margin-right: .3em; vertical-align: -.1em; }
.d3-flame-graph-label { font-family: inherit !important; }
#details { min-height: 1.4em; font-size: .9rem; font-family: ui-monospace, monospace; }
pre { font-size: .8rem; line-height: 1.35; overflow-x: auto; }
`;

/** Colours: [elementwise and the rest, matrix products]. */
const PROGRAM = `
const COLOURS = {
  forward: ['#9ecae9', '#4c93c3'],
  backward: ['#f7b98b', '#e07b39'],
  optimizer: ['#a8d8a0', '#5aa852'],
  runtime: ['#d0c4e4', '#9a86c0'],
  outside: ['#d9d9d9', '#d9d9d9'],
};
const total = VIEWS.byPhase.value;
const describe = ({ data }) => {
  const speed = data.gflop > 0 ? ', ' + data.gflop.toFixed(3) + ' GFLOP, ' + (1000 * data.gflop / data.value).toFixed(1) + ' GFLOP/s' : '';
  return data.name + ': ' + data.value.toFixed(3) + ' ms, ' + (100 * data.value / total).toFixed(1) + ' %' + speed;
};
const chart = d3.flamegraph()
  .width(document.querySelector('#chart').clientWidth)
  .cellHeight(20)
  .inverted(true)
  .transitionDuration(200)
  .sort((a, b) => b.value - a.value)
  .setLabelHandler(describe)
  .setDetailsElement(document.querySelector('#details'))
  .setSearchHandler((found, sum) => {
    const line = found.length + ' found: ' + sum.toFixed(3) + ' ms, ' + (100 * sum / total).toFixed(1) + ' %';
    document.querySelector('#details').textContent = line;
  })
  .setColorMapper(({ data, highlight }) => highlight ? '#e6399b' : data.phase ? COLOURS[data.phase][data.product ? 1 : 0] : '#eeeeee');
const show = (view) => {
  d3.select('#chart').selectAll('*').remove();
  d3.select('#chart').datum(structuredClone(VIEWS[view])).call(chart);
};
for (const input of document.querySelectorAll('input[name=view]'))
  input.addEventListener('change', () => show(input.value));
document.querySelector('#search').addEventListener('input', ({ target }) =>
  target.value ? chart.search(target.value) : chart.clear());
document.querySelector('#reset').addEventListener('click', () => chart.resetZoom());
show('byPhase');
`;

/** `lines` are the tables as text. The page may load nothing: its policy forbids all but what is in it. */
export function profilePage(title: string, views: Views, lines: readonly string[]): string {
  const data = JSON.stringify(views).replaceAll('<', '\\u003c');
  const key = [
    ['#4c93c3', 'forward'],
    ['#e07b39', 'backward'],
    ['#5aa852', 'optimizer'],
    ['#9a86c0', 'put in by the runtime'],
    ['#d9d9d9', 'not in kernels'],
  ].map(([colour, name]) => `<span class="key"><i style="background:${colour}"></i>${name}</span>`);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'">
<title>${escape(title)}</title>
<style>${library('css')}${STYLE}</style>
</head>
<body>
<h1>${escape(title)}</h1>
<div class="bar">
<label><input type="radio" name="view" value="byPhase" checked> by phase</label>
<label><input type="radio" name="view" value="byScope"> by scope</label>
<input id="search" type="search" placeholder="search: conv2, Gemm ..." aria-label="search">
<button id="reset">reset zoom</button>
${key.join('\n')}
<span>darker: matrix products; width: time; click to zoom</span>
</div>
<div id="chart"></div>
<div id="details"></div>
<pre>${escape(lines.join('\n'))}</pre>
${script(library('js'))}
${script(`const VIEWS = ${data};${PROGRAM}`)}
</body>
</html>
`;
}
