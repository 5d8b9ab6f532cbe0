/** The page: what the person does goes to the worker, what the worker says is shown. */
import type { Measurement } from '../../draw/curves';
import { colourVariables } from '../../draw/theme';
import { curve } from './chart';
import { download } from '../common/download';
import { chosenFiles, droppedFiles, type Given } from '../common/drop';
import { tellFailures } from '../common/failures';
import { shownName } from '../common/words';
import { connect } from './link';
import type { FromWorker, Situation, Start } from './protocol';

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
  byId('bundle').textContent =
    `${shownName(recipe)}: ${task === 'pretrain' ? 'pretraining' : 'a classifier'}, ${size}`;
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
    ...(weights === null ? [] : [['file', shownName(weights)] as const]),
  ]);
  byId('left-out').textContent = (photos?.leftOut ?? []).join('\n');
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
    case 'runtime':
      byId('runtime').textContent =
        message.problem === null ? '' : `Computes on ${message.threads} thread: ${message.problem}.`;
      break;
    case 'storage':
      byId('storage').textContent = message.problem ?? '';
      break;
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
    case 'saved':
      download(message.name, message.bytes);
      break;
    case 'note':
      note.textContent = message.text;
      break;
    case 'error':
      note.textContent = `Error: ${message.text}`;
      // nothing that is still waited for may come
      if (/…$/.test(status.textContent)) status.textContent = 'Not started.';
  }
}

const sayError = (text: string) => receive({ kind: 'error', text });

document.head.append(Object.assign(document.createElement('style'), { textContent: colourVariables() }));
tellFailures(window, sayError);
const tell = connect(new URL('worker.js', location.href), receive);

function give({ files, leftOut }: Given): void {
  note.textContent = '';
  if (files.length > 0 || leftOut.length > 0) tell({ kind: 'files', files, leftOut });
}

function openBundle(typed: string): void {
  try {
    tell({ kind: 'open', bundle: new URL(typed, location.href).href });
  } catch {
    sayError(`${shownName(typed)} is no address`);
    tell({ kind: 'open', bundle: null });
  }
}

document.addEventListener('dragover', (event) => event.preventDefault());
document.addEventListener('drop', (event) => {
  event.preventDefault();
  if (event.dataTransfer) void droppedFiles(event.dataTransfer).then(give);
});
for (const id of ['files', 'folder']) {
  const input = byId(id) as HTMLInputElement;
  input.addEventListener('change', () => {
    give(chosenFiles(input));
    // the same files can be chosen again
    input.value = '';
  });
}
byId('open').addEventListener('submit', (event) => {
  event.preventDefault();
  openBundle(address.value);
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
if (asked === null) {
  tell({ kind: 'open', bundle: null });
} else {
  address.value = asked;
  openBundle(asked);
}
