/** The page of `selfie export --to web`: dropped images, and what the model beside it says of them. */
import { colourVariables, FONT, percent } from '../../draw/theme';
import { chosenFiles, droppedFiles, type Given } from '../common/drop';
import { tellFailures } from '../common/failures';
import { type LeftOut, leftOutLines, messageOf, shownName } from '../common/words';
import type { load as Load, Model } from './model';
import { Nearest } from './neighbours';

interface Shown {
  readonly name: string;
  readonly picture: string;
  /** where its neighbours are */
  readonly beside: HTMLElement;
}

/** Images beside each one of an encoder's. */
const NEIGHBOURS = 5;

const byId = (id: string) => document.getElementById(id) as HTMLElement;
const drop = byId('drop');
const input = byId('files') as HTMLInputElement;
const results = byId('results');
const problem = byId('problem');

const EXAMPLE = (call: string) => `<script type="module">
  import { load } from './model.js';
  const model = await load();
  console.log(await model.${call}(document.querySelector('img')));
</script>`;

function element(tag: string, className: string, ...inside: (Node | string)[]): HTMLElement {
  const made = document.createElement(tag);
  made.className = className;
  made.append(...inside);
  return made;
}

function figure(picture: string, name: string, caption: string): HTMLElement {
  const image = document.createElement('img');
  image.src = picture;
  image.alt = name;
  return element('figure', '', image, element('figcaption', '', caption));
}

function describe({ kind, labels, image, step, data, accuracy, provider, license, notes }: Model): string {
  const what = labels ? `A classifier of ${labels.length} classes` : `An ${kind}`;
  const parts = [
    `${what} for images of ${image.width ?? image.size} x ${image.height ?? image.size}${image.channels === 1 ? ' in gray' : ''}`,
    `${step} steps of training${data === null ? '' : ` on ${data}`}`,
    ...(accuracy === null ? [] : [`${percent(accuracy)} of test images right`]),
    ...(license === null ? [] : [`licence of the data: ${license}`]),
    `computed by ${provider === 'webgpu' ? 'WebGPU' : 'WebAssembly'}`,
    ...notes,
  ];
  return `${parts.join('; ')}.`;
}

async function showClasses(model: Model, file: File): Promise<void> {
  const scores = await model.classify(file);
  const rows = scores.map(({ label, probability }) => {
    const bar = element('i', '');
    bar.style.width = `${100 * probability}%`;
    return element('div', 'class', element('b', '', label), bar, element('span', '', percent(probability)));
  });
  const picture = figure(URL.createObjectURL(file), file.name, file.name);
  results.prepend(element('section', 'image', picture, element('div', '', ...rows)));
}

const shown: Shown[] = [];
const neighbours = new Nearest(NEIGHBOURS);

function showNeighbours(name: string, picture: string, embedding: Float32Array): void {
  const beside = element('div', 'nearest');
  shown.push({ name, picture, beside });
  results.prepend(element('section', 'image', figure(picture, name, name), beside));
  for (const index of neighbours.add(embedding)) {
    const others = neighbours
      .of(index)
      .map((other) => figure(shown[other.index].picture, shown[other.index].name, other.cosine.toFixed(3)));
    shown[index].beside.replaceChildren(
      ...(others.length > 0 ? others : ['Drop more images: the nearest ones come here.']),
    );
  }
}

async function takeOne(model: Model, file: File): Promise<void> {
  if (model.labels) return showClasses(model, file);
  showNeighbours(file.name, URL.createObjectURL(file), await model.embed(file));
}

/** A file that is no image costs itself alone. */
async function take(model: Model, { files, leftOut }: Given): Promise<void> {
  problem.textContent = '';
  const wrong: LeftOut[] = [...leftOut];
  for (const [i, { path, file }] of files.entries()) {
    byId('status').textContent = `${shownName(file.name)} (${i + 1} of ${files.length}) …`;
    try {
      await takeOne(model, file);
    } catch (error) {
      wrong.push({ name: path, reason: messageOf(error) });
    }
    problem.textContent = leftOutLines(wrong).join('\n');
  }
  byId('status').textContent = '';
  byId('about').textContent = describe(model);
}

function listen(model: Model): void {
  let last: Promise<void> = Promise.resolve();
  const give = (given: Given) => {
    last = last.then(() => take(model, given));
  };
  input.disabled = false;
  input.addEventListener('change', () => {
    give(chosenFiles(input));
    input.value = '';
  });
  document.addEventListener('paste', (event) => {
    const files = Array.from(event.clipboardData?.files ?? [], (file) => ({ path: file.name, file }));
    give({ files, leftOut: [] });
  });
  document.addEventListener('dragover', (event) => {
    event.preventDefault();
    drop.classList.add('over');
  });
  document.addEventListener('dragleave', () => drop.classList.remove('over'));
  document.addEventListener('drop', (event) => {
    event.preventDefault();
    drop.classList.remove('over');
    if (event.dataTransfer) void droppedFiles(event.dataTransfer).then(give);
  });
}

async function start(): Promise<void> {
  // by its address at run time, so that it is loaded once whoever imports it
  const { load } = (await import(new URL('model.js', location.href).href)) as { load: typeof Load };
  const model = await load();
  document.title = model.name;
  byId('name').textContent = model.name;
  byId('about').textContent = describe(model);
  byId('example').textContent = EXAMPLE(model.labels ? 'classify' : 'embed');
  byId('invitation').textContent = model.labels
    ? 'Drop images here, paste one, or click'
    : 'Drop images here, paste one, or click: each is shown with those that are nearest to it';
  listen(model);
}

const style = `${colourVariables()}body{font-family:${FONT}}`;
document.head.append(Object.assign(document.createElement('style'), { textContent: style }));
tellFailures(window, (text) => {
  problem.textContent = text;
});
start().catch((error: unknown) => {
  byId('invitation').textContent = 'The model did not load.';
  problem.textContent = messageOf(error);
});
