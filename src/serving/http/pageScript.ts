/** What runs in the page: it sends the image to every address that answers, and shows what comes back. */
export const SCRIPT = `
const drop = document.querySelector('#drop');
const input = drop.querySelector('input');
const problem = document.querySelector('#error');
const sections = {
  classes: document.querySelector('#classes'),
  neighbours: document.querySelector('#neighbours'),
  patches: document.querySelector('#patches'),
};
let shown = 0, image = null, seed = 0, preview = '';

const bounded = (text) => text.length > 400 ? text.slice(0, 400) + '…' : text;
const post = async (address) => {
  await image.slice(0, 1).arrayBuffer().catch(() => { throw new Error('the browser cannot read this file'); });
  const response = await fetch(address, { method: 'POST', body: image, headers: { 'content-type': 'application/octet-stream' } })
    .catch(() => { throw new Error('the server does not answer'); });
  if (response.ok) return response;
  const { error } = await response.json().catch(() => ({}));
  const text = typeof error === 'string' ? bounded(error) : 'the server answers with status ' + response.status;
  throw Object.assign(new Error(text), { status: response.status });
};
const add = (parent, tag, text, className) => {
  const element = document.createElement(tag);
  if (text) element.textContent = text;
  if (className) element.className = className;
  parent.append(element);
  return element;
};
const percent = (fraction) => (100 * fraction).toFixed(1) + ' %';

const show = {
  async classes(into) {
    const { classes } = await (await post('classify?top=5')).json();
    const list = add(into, 'div', '', 'bars');
    for (const { name, probability } of classes) {
      add(list, 'b', name);
      const bar = add(add(list, 'div', '', 'bar'), 'i');
      bar.style.width = 100 * probability + '%';
      add(list, 'span', percent(probability));
    }
  },
  async neighbours(into) {
    const found = await (await post('neighbours?count=8')).json();
    const row = add(into, 'div', '', 'images');
    for (const { index, class: name, similarity, image: source } of found.neighbours) {
      const figure = add(row, 'figure');
      const picture = add(figure, 'img');
      picture.src = source;
      picture.alt = (name ?? 'image') + ', number ' + index;
      picture.title = 'image ' + index;
      const caption = add(figure, 'figcaption');
      if (name !== null) add(caption, 'b', name);
      add(caption, 'span', similarity.toFixed(3));
    }
    add(into, 'p', 'Of ' + found.images + ' training images of ' + found.source + '; the number is the cosine of the embeddings.', 'note');
  },
  async patches(into) {
    const text = await (await post('patches?colours=page&seed=' + seed)).text();
    const svg = new DOMParser().parseFromString(text, 'image/svg+xml').documentElement;
    add(into, 'div', '', 'picture').append(document.importNode(svg, true));
    add(into, 'button', 'Hide other places').onclick = () => { seed++; fill('patches', shown); };
  },
};

/** Fills one section; an answer for an image that is gone is dropped. Gives the error's words, or null. */
async function fill(name, mine) {
  const section = sections[name];
  const made = document.createElement('div');
  try {
    await show[name](made);
  } catch (error) {
    if (mine !== shown) return null;
    const waits = error.status === 503;
    if (waits) setTimeout(() => { if (mine === shown) fill(name, mine); }, 1000);
    made.replaceChildren();
    add(made, 'p', error.message, waits ? 'note' : 'note wrong');
    section.lastElementChild.replaceChildren(made);
    section.hidden = false;
    return waits ? null : error.message;
  }
  if (mine !== shown) return null;
  section.lastElementChild.replaceChildren(made);
  section.hidden = false;
  return null;
}

async function showAll() {
  const mine = ++shown;
  problem.textContent = '';
  document.body.classList.add('busy');
  const names = Object.keys(sections).filter((name) => sections[name]);
  const errors = await Promise.all(names.map((name) => fill(name, mine)));
  if (mine !== shown) return;
  document.body.classList.remove('busy');
  // What is wrong with the image is said once.
  if (errors.length > 0 && errors.every((error) => error !== null && error === errors[0])) {
    problem.textContent = errors[0];
    for (const name of names) sections[name].hidden = true;
  }
}

const take = (file) => {
  if (!file || document.body.dataset.idle) return;
  image = file;
  seed = 0;
  URL.revokeObjectURL(preview);
  preview = URL.createObjectURL(file);
  const picture = drop.querySelector('img') ?? document.createElement('img');
  picture.src = preview;
  picture.alt = file.name || 'the image';
  drop.prepend(picture);
  document.body.classList.add('taken');
  const title = drop.querySelector('b');
  if (title) title.textContent = 'Drop another';
  showAll();
};
addEventListener('error', ({ message }) => { if (message) problem.textContent = bounded(message); });
addEventListener('unhandledrejection', ({ reason }) => { problem.textContent = bounded(String(reason?.message ?? reason)); });
input.onchange = () => { take(input.files[0]); input.value = ''; };
document.ondragover = (event) => { event.preventDefault(); drop.classList.add('over'); };
document.ondragleave = () => drop.classList.remove('over');
document.ondrop = (event) => { event.preventDefault(); drop.classList.remove('over'); take(event.dataTransfer.files[0]); };
document.onpaste = (event) => take(event.clipboardData.files[0]);
`;
