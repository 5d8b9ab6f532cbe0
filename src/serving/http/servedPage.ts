/** The page at /: an image is dropped on it, and what the models say of it is shown. */
import { createHash } from 'node:crypto';
import { colourVariables, escapeText, FONT } from '../../draw/theme';
import { SCRIPT } from './pageScript';

const STYLE = `
*{box-sizing:border-box}
html{color-scheme:light dark}
body{margin:0 auto;padding:2.5rem 1.5rem 3rem;max-width:62rem;font:16px/1.5 ${FONT};color:var(--ink);background:var(--paper)}
header{display:flex;flex-wrap:wrap;align-items:baseline;gap:.5rem 1rem;margin-bottom:1.5rem}
h1{font-size:1.5rem;font-weight:650;margin:0}
h2{font-size:1rem;font-weight:600;margin:0 0 .75rem}
.models{display:flex;flex-wrap:wrap;gap:.4rem;margin:0;padding:0;list-style:none;font-size:.85rem}
.models li{padding:.1rem .6rem;border:1px solid var(--grid);border-radius:1rem;color:var(--muted)}
.models b{font-weight:550;color:var(--ink)}
main{display:grid;gap:2rem}
#drop{display:flex;flex-direction:column;align-items:center;justify-content:center;gap:.75rem;min-height:16rem;padding:1rem;border:2px dashed var(--hidden);border-radius:14px;background:var(--panel);color:var(--muted);cursor:pointer;text-align:center}
#drop:hover,#drop:focus-within,#drop.over{border-color:var(--accent)}
#drop b{display:block;color:var(--ink);font-weight:600;font-size:1.1rem}
#drop input{position:absolute;opacity:0;pointer-events:none}
#drop img{max-width:100%;max-height:18rem;min-width:8rem;min-height:8rem;object-fit:contain;border-radius:8px}
.taken #drop{min-height:0;font-size:.85rem}
.taken #drop b{font-size:.9rem;font-weight:500}
.busy section{opacity:.55;transition:opacity .2s .15s}
.bars{display:grid;grid-template-columns:minmax(4rem,max-content) 1fr max-content;gap:.5rem .9rem;align-items:center}
.bars b{font-weight:500;overflow-wrap:anywhere}
.bars b:first-child{font-weight:650}
.bars span{text-align:right;font-variant-numeric:tabular-nums}
.bar{height:.8rem;border-radius:4px;background:var(--grid);overflow:hidden}
.bar i{display:block;height:100%;background:var(--accent)}
.images{display:grid;grid-template-columns:repeat(4,1fr);gap:1rem .75rem}
@media (min-width:44rem){.wide .images{grid-template-columns:repeat(8,1fr)}}
figure{margin:0}
figure img{display:block;width:100%;aspect-ratio:1;object-fit:cover;border-radius:8px;background:var(--panel);image-rendering:pixelated}
figcaption{margin-top:.35rem;font-size:.8rem;line-height:1.3}
figcaption b{display:block;font-weight:550;overflow-wrap:anywhere}
figcaption span{color:var(--muted);font-variant-numeric:tabular-nums}
.picture{overflow-x:auto}
.picture svg{display:block;min-width:34rem;max-width:100%;height:auto}
.note{margin:.6rem 0 0;font-size:.85rem;color:var(--muted)}
.wrong,#error{color:var(--wrong)}
#error{margin:0}
#error:empty{display:none}
button{margin-top:.9rem;font:inherit;font-size:.9rem;color:var(--accent);background:none;border:1px solid var(--hidden);border-radius:8px;padding:.35rem .9rem;cursor:pointer}
button:hover{border-color:var(--accent)}
footer{margin-top:3rem;padding-top:1rem;border-top:1px solid var(--grid);font-size:.85rem;color:var(--muted)}
footer code{font-size:.95em}
a{color:var(--accent)}
@media (min-width:44rem){.taken main{grid-template-columns:minmax(14rem,20rem) 1fr}.taken main>.wide,.taken #error{grid-column:1/-1}.taken #drop{align-self:start}}
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
  /** whether /neighbours does */
  readonly neighbours: boolean;
  /** whether /patches does */
  readonly patches: boolean;
}

export function page({ models, classes, neighbours, patches }: PageContents): string {
  const list = models.map(
    ({ name, version }) => `<li><b>${escapeText(name)}</b> version ${escapeText(version)}</li>`,
  );
  const sections = [
    { id: 'classes', title: 'Classes', shown: classes },
    { id: 'neighbours', title: 'Nearest images', shown: neighbours },
    { id: 'patches', title: 'Hidden patches, and where the network puts them', shown: patches },
  ].filter(({ shown }) => shown);
  // The first that is narrow enough stands beside the image.
  const html = sections.map(
    ({ id, title }, i) =>
      `<section id="${id}"${i > 0 || id === 'patches' ? ' class="wide"' : ''} hidden><h2>${title}</h2><div></div></section>`,
  );
  const isIdle = sections.length === 0;
  const words = isIdle
    ? '<span><b>No model here takes an image</b>the protocol’s addresses answer all the same</span>'
    : '<span><b>Drop an image here</b>paste one, or click to choose: JPEG, PNG, WebP</span>';
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>selfie serve</title>
<style>${colourVariables()}${STYLE}</style>
</head>
<body${isIdle ? ' data-idle="1"' : ''}>
<header><h1>selfie serve</h1><ul class="models">${list.join('')}</ul></header>
<main>
<label id="drop">${words}<input type="file" accept="image/*"${isIdle ? ' disabled' : ''}></label>
<p id="error" role="alert"></p>
${html.join('\n')}
</main>
<footer>Open Inference Protocol at <a href="v2">/v2</a>, counts at <a href="v2/models/stats">/v2/models/stats</a> and <a href="metrics">/metrics</a>. The image goes to this server and is not kept.</footer>
<script>${SCRIPT}</script>
</body>
</html>
`;
}
