/** The page at /: an image is dropped on it, and what the models say of it is shown. */
import { createHash } from 'node:crypto';
import { colourVariables, escapeText, FONT } from '../report/theme';

const STYLE = `
*{box-sizing:border-box}
html{color-scheme:light dark}
body{margin:0 auto;padding:2rem 1.5rem;max-width:58rem;font:16px/1.5 ${FONT};color:var(--ink);background:var(--paper)}
h1{font-size:1.6rem;margin:0}
p{color:var(--muted);margin:.25rem 0 1.25rem}
label{display:flex;align-items:center;justify-content:center;min-height:13rem;border:2px dashed var(--hidden);border-radius:12px;background:var(--panel);cursor:pointer;text-align:center;padding:1rem}
label:focus-within,label.over{border-color:var(--accent)}
label input{position:absolute;opacity:0;pointer-events:none}
label img{max-width:100%;max-height:20rem;border-radius:6px}
#error{color:var(--wrong)}
.row{display:grid;grid-template-columns:minmax(6rem,14rem) 1fr 4.5rem;gap:.75rem;align-items:center;margin:.35rem 0}
.row i{height:.8rem;border-radius:3px;background:var(--accent);min-width:2px}
.row b{font-weight:500;overflow-wrap:anywhere}
.row span{text-align:right;font-variant-numeric:tabular-nums}
.patches{overflow-x:auto;margin-top:1rem}
button{font:inherit;color:var(--accent);background:none;border:1px solid var(--grid);border-radius:6px;padding:.3rem .8rem;cursor:pointer}
`;

const SCRIPT = `
const label = document.querySelector('label');
const input = label.querySelector('input');
const results = document.querySelector('#results');
const problem = document.querySelector('#error');
const can = document.body.dataset;
let shown = 0, image = null, seed = 0;
const post = async (address) => {
  const response = await fetch(address, { method: 'POST', body: image, headers: { 'content-type': 'application/octet-stream' } });
  if (response.ok) return response;
  const { error } = await response.json();
  throw new Error(error);
};
const add = (parent, tag, text) => {
  const element = document.createElement(tag);
  if (text) element.textContent = text;
  parent.append(element);
  return element;
};
const classes = async (into) => {
  const answer = await (await post('classify?top=5')).json();
  for (const { name, probability } of answer.classes) {
    const row = add(into, 'div');
    row.className = 'row';
    add(row, 'b', name);
    add(row, 'i').style.width = 100 * probability + '%';
    add(row, 'span', (100 * probability).toFixed(1) + ' %');
  }
};
const patches = async (into) => {
  const picture = URL.createObjectURL(await (await post('patches?seed=' + seed)).blob());
  const element = add(into, 'img');
  element.src = picture;
  element.alt = 'which hidden patches were put where';
  const again = add(into, 'button', 'hide other places');
  again.onclick = () => { seed++; show(); };
};
async function show() {
  const mine = ++shown;
  problem.textContent = '';
  const made = document.createElement('div');
  try {
    if (can.classes) await classes(made);
    if (can.patches) { const box = add(made, 'div'); box.className = 'patches'; await patches(box); }
  } catch (error) {
    if (mine === shown) problem.textContent = error.message;
  }
  if (mine === shown) results.replaceChildren(made);
}
const take = (file) => {
  if (!file) return;
  image = file;
  seed = 0;
  const preview = document.createElement('img');
  preview.src = URL.createObjectURL(file);
  preview.alt = file.name;
  label.replaceChildren(preview, input);
  show();
};
input.onchange = () => take(input.files[0]);
label.ondragover = (event) => { event.preventDefault(); label.classList.add('over'); };
label.ondragleave = () => label.classList.remove('over');
label.ondrop = (event) => { event.preventDefault(); label.classList.remove('over'); take(event.dataTransfer.files[0]); };
document.onpaste = (event) => take(event.clipboardData.files[0]);
`;

/** What a browser may load for the page: nothing that is not its own. */
export const PAGE_POLICY = [
  "default-src 'none'",
  `script-src 'sha256-${createHash('sha256').update(SCRIPT).digest('base64')}'`,
  "style-src 'unsafe-inline'",
  'img-src data: blob:',
  "connect-src 'self'",
].join('; ');

export interface PageContents {
  /** name and version of each model */
  readonly models: readonly { readonly name: string; readonly version: string }[];
  /** whether /classify answers */
  readonly classes: boolean;
  /** whether /patches does */
  readonly patches: boolean;
}

export function page({ models, classes, patches }: PageContents): string {
  const list = models.map(({ name, version }) => `${name} (version ${version})`).join(', ');
  const flag = (name: string, set: boolean) => (set ? ` data-${name}="1"` : '');
  const shows =
    classes || patches ? 'Drop an image here, paste one, or click' : 'No model here takes an image';
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>selfie serve</title>
<style>${colourVariables()}${STYLE}</style>
</head>
<body${flag('classes', classes)}${flag('patches', patches)}>
<h1>selfie serve</h1>
<p>${escapeText(list)}</p>
<label>${shows}<input type="file" accept="image/jpeg,image/png,image/webp"></label>
<p id="error" role="alert"></p>
<div id="results" aria-live="polite"></div>
<script>${SCRIPT}</script>
</body>
</html>
`;
}
