/** The program of a model card for browsers: a page of its own. */
import { type CardData, LABELS, PHOTO } from './cardData';
import { printedOutput, scriptLines } from './printing';

export function browserSnippet(card: CardData, version: string): string {
  const { labels, manifest } = card;
  const { channels } = manifest.recipe.image;
  const output = printedOutput(card);
  const pixels =
    channels === 3
      ? 'data.filter((_, i) => i % 4 < 3)'
      : 'Array.from({ length: width * height }, (_, i) => 0.299 * data[4 * i] + 0.587 * data[4 * i + 1] + 0.114 * data[4 * i + 2])';
  const read = labels
    ? `const labels = (await (await fetch('${LABELS}')).text()).trimEnd().split('\\n');\n`
    : '';
  return `<!doctype html>
<meta charset="utf-8">
<pre></pre>
<script type="module">
import * as ort from 'https://cdn.jsdelivr.net/npm/onnxruntime-web@${version}/dist/ort.wasm.min.mjs';

const session = await ort.InferenceSession.create('${PHOTO}');
const photo = await createImageBitmap(await (await fetch('photo.jpg')).blob());
const { width, height } = photo;
const context = new OffscreenCanvas(width, height).getContext('2d');
context.drawImage(photo, 0, 0);
const { data } = context.getImageData(0, 0, width, height);
const image = new ort.Tensor('uint8', Uint8Array.from(${pixels}), [1, height, width, ${channels}]);
const { ${output} } = await session.run({ image });
${read}${scriptLines(card, output)}
document.querySelector('pre').textContent = lines.join('\\n');
</script>`;
}
