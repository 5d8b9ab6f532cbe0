/** The page: what the person does goes to the worker, what the worker says is shown. */
import type { Measurement } from '../../draw/curves';
import { colourVariables } from '../../draw/theme';
import { curve } from './chart';
import { chosenFiles, droppedFiles, type PathFile } from './drop';
import type { FromWorker, Situation, Start, ToWorker } from './protocol';

const byId = (id: string) => document.getElementById(id) as HTMLElement;
const status = byId('status');
const note = byId('note');
const form = byId('settings') as HTMLFormElement;
const address = byId('address') as HTMLInputElement;
const steps = byId('steps') as HTMLInputElement;
const seed = byId('seed') as HTMLInputElement;
const data = byId('data') as HTMLSelectElement;
const start = byId('start') as HTMLSelectElement;
const button = {
  train: byId('train') as HTMLButtonElement,
  continue: byId('continue') as HTMLButtonElement,
  pause: byId('pause') as HTMLButtonElement,
  save: byId('save') as HTMLButtonElement,
  forget: byId('forget') as HTMLButtonElement,
};

const worker = new Worker(new URL('worker.js', location.href), { type: 'module' });
const tell = (message: ToWorker) => worker.postMessage(message);

let lines: Measurement[] = [];
let total = 1;
let shownRecipe = '';

const CURVES = [
  ['loss', 'Loss'],
  ['accuracy', 'Accuracy'],
  ['learning_rate', 'Learning rate'],
  ['images_per_second', 'Images a second'],
] as const;

function drawCurves(): void {
  byId('curves').innerHTML = CURVES.map(([key, title]) => curve(lines, key, title, total) ?? '').join('');
}

/** Options of a list; what was chosen stays chosen where it is still there. */
function offer(
  select: HTMLSelectElement,
  options: readonly (readonly [value: string, text: string])[],
): void {
  const chosen = select.value;
  select.replaceChildren(...options.map(([value, text]) => new Option(text, value)));
  if (options.some(([value]) => value === chosen)) select.value = chosen;
}

function show(situation: Situation): void {
  const { recipe, task, parameters, batch, photos, kept, pretrained, weights } = situation;
  const size = `${parameters.toLocaleString('en')} parameters, batches of ${batch}`;
  byId('bundle').textContent = `${recipe}: ${task === 'pretrain' ? 'pretraining' : 'a classifier'}, ${size}`;
  if (shownRecipe !== recipe) {
    shownRecipe = recipe;
    steps.value = String(situation.steps);
    seed.value = String(situation.seed);
  }
  const classes = photos?.classes ? ` of ${photos.classes.length} classes` : '';
  offer(data, [
    ['embedded', 'generated images'],
    ...(photos ? [['photos', `your ${photos.count} images${classes}`] as const] : []),
  ]);
  offer(start, [
    ['fresh', 'fresh weights'],
    ...(pretrained === null
      ? []
      : [['pretrained', `the encoder pretrained here, ${pretrained} steps`] as const]),
    ...(weights === null ? [] : [['file', weights] as const]),
  ]);
  form.hidden = false;
  button.continue.disabled = kept === null || kept.step >= kept.steps;
  button.continue.textContent = kept ? `Continue after step ${kept.step} of ${kept.steps}` : 'Continue';
  button.save.disabled = kept === null;
  button.train.disabled = false;
  button.pause.disabled = true;
  button.forget.disabled = false;
}

function setRunning(): void {
  for (const each of [button.train, button.continue, button.forget]) each.disabled = true;
  button.pause.disabled = false;
  button.save.disabled = false;
}

function receive(message: FromWorker): void {
  switch (message.kind) {
    case 'needs':
      status.textContent = 'Give the address of a bundle, or drop its folder here.';
      break;
    case 'ready':
      status.textContent = 'Ready.';
      show(message.situation);
      break;
    case 'started':
      status.textContent = 'Loading the graph …';
      setRunning();
      break;
    case 'curves':
      lines = [...message.lines];
      total = message.steps;
      byId('pictures').replaceChildren();
      drawCurves();
      break;
    case 'step':
      lines.push(message.line);
      status.textContent = `Step ${message.line.step} of ${message.steps}, loss ${message.line.loss.toFixed(4)}`;
      drawCurves();
      break;
    case 'pictures':
      byId('pictures').innerHTML = message.svgs.join('');
      break;
    case 'stopped':
      show(message.situation);
      status.textContent = `Stopped after step ${message.situation.kept?.step ?? 0}.`;
      break;
    case 'saved': {
      const link = document.createElement('a');
      link.download = message.name;
      link.href = URL.createObjectURL(new Blob([message.bytes]));
      link.click();
      URL.revokeObjectURL(link.href);
      break;
    }
    case 'note':
      note.textContent = message.text;
      break;
    case 'error':
      note.textContent = `Error: ${message.text}`;
  }
}

const give = (files: readonly PathFile[]) => {
  note.textContent = '';
  if (files.length > 0) tell({ kind: 'files', files });
};

document.head.append(Object.assign(document.createElement('style'), { textContent: colourVariables() }));
worker.onmessage = ({ data: message }: MessageEvent<FromWorker>) => receive(message);
worker.onerror = ({ message }) => receive({ kind: 'error', text: message || 'the worker did not start' });

document.addEventListener('dragover', (event) => event.preventDefault());
document.addEventListener('drop', (event) => {
  event.preventDefault();
  if (event.dataTransfer) void droppedFiles(event.dataTransfer).then(give);
});
for (const id of ['files', 'folder']) {
  const input = byId(id) as HTMLInputElement;
  input.addEventListener('change', () => give(chosenFiles(input)));
}
byId('open').addEventListener('submit', (event) => {
  event.preventDefault();
  tell({ kind: 'open', bundle: new URL(address.value, location.href).href });
});
form.addEventListener('submit', (event) => {
  event.preventDefault();
  note.textContent = '';
  const options = {
    data: data.value === 'photos' ? ('photos' as const) : ('embedded' as const),
    steps: Number(steps.value),
    seed: Number(seed.value),
    start: start.value as Start,
  };
  tell({ kind: 'train', options });
});
for (const kind of ['continue', 'pause', 'save', 'forget'] as const) {
  button[kind].addEventListener('click', () => tell({ kind }));
}

const asked = new URLSearchParams(location.search).get('bundle');
if (asked !== null) address.value = asked;
tell({ kind: 'open', bundle: asked === null ? null : new URL(asked, location.href).href });
