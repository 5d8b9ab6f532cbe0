/** What the page can ask for: open a bundle, take images, train, save; and what is kept of it in the browser. */
import { imageShape } from '../../bundle/imageShape';
import { UserError } from '../../base/errors';
import { decodeSafetensors } from '../../tensors/safetensorsFormat';
import { parseKinds } from '../../run/checkpointFormat';
import { formatLoadReport } from '../../run/loadReport';
import { BROWSER, type RunIdentity } from '../../run/runIdentity';
import { startFrom, type WeightSource } from '../../training/startFrom';
import type { State } from '../../run/stateTypes';
import { droppedBundle, fetchBundle, type WebBundle } from './bundle';
import { decodeCheckpoint } from './checkpoint';
import { listImages } from './files';
import { decodePhoto } from './pictures';
import type { FromWorker, Situation, StartOptions, ToWorker } from './protocol';
import { type KeptRun, WebRun } from './run';
import { embeddedSource, type Photos, photoSource, type WebSource } from './source';
import { Storage } from './storage';

/** Steps between two checkpoints that are kept, and two pictures. */
const KEEP_EVERY = 25;
/** Shorter side that dropped images are reduced to, as a multiple of the network's; crops take small parts of them. */
const PHOTO_SIDES = 4;
const LARGEST_SIDE = 256;

/** Lets messages in; the runtime's own promises do not. */
const breathe = () => new Promise((resolve) => setTimeout(resolve));

export class Trainer {
  private readonly storage = Storage.open();
  private bundle: WebBundle | undefined;
  private photos: Photos | undefined;
  private weights: WeightSource | undefined;
  private paused = false;

  constructor(private readonly say: (message: FromWorker) => void) {}

  /** Ends the run after the step that it is in. */
  pause(): void {
    this.paused = true;
  }

  /** Errors are for the person; whatever was kept before stays. */
  async handle(message: ToWorker): Promise<void> {
    switch (message.kind) {
      case 'open':
        return this.open(message.bundle);
      case 'files':
        return this.take(message.files);
      case 'train':
        return this.start(message.options);
      case 'continue':
        return this.resume();
      case 'save':
        return this.save();
      case 'forget':
        await (await this.storage).clear();
        this.photos = this.weights = undefined;
        this.say({ kind: 'curves', lines: [], steps: 1 });
        return this.ready();
      case 'pause':
        this.pause();
    }
  }

  private async open(address: string | null): Promise<void> {
    const storage = await this.storage;
    this.photos ??= await storage.get<Photos>('photos');
    if (address !== null) {
      this.bundle = await fetchBundle(address);
    } else {
      const files = await storage.get<Map<string, Blob>>('bundle');
      this.bundle = (files && (await droppedBundle(files))) ?? undefined;
    }
    await this.ready();
  }

  private async take(files: readonly { path: string; file: File }[]): Promise<void> {
    const storage = await this.storage;
    const byPath = new Map<string, Blob>(files.map(({ path, file }) => [path, file]));
    const bundle = await droppedBundle(byPath);
    if (bundle) {
      this.bundle = bundle;
      await storage.set('bundle', byPath);
    } else if (files.length === 1 && files[0].path.endsWith('.safetensors')) {
      this.weights = await readWeights(files[0].file);
    } else {
      this.photos = await this.decode(files);
      await storage.set('photos', this.photos);
    }
    await this.ready();
  }

  private async decode(files: readonly { path: string; file: File }[]): Promise<Photos> {
    const { files: listed, labels, classes } = listImages(files);
    if (listed.length === 0) throw new UserError('no JPEG, PNG or WebP image among the files');
    const image = this.bundle && imageShape(this.bundle.manifest.recipe.image);
    const size = image ? Math.max(image.width, image.height) : LARGEST_SIDE;
    const shorter = Math.max(size, Math.min(PHOTO_SIDES * size, LARGEST_SIDE));
    const images = [];
    for (const [i, { path, file }] of listed.entries()) {
      images.push(await decodePhoto(path, file, shorter));
      if (i % 50 === 49) this.say({ kind: 'note', text: `${i + 1} of ${listed.length} images read` });
    }
    return { names: listed.map(({ path }) => path), images, labels, classes };
  }

  private async start({ data, steps, seed, start }: StartOptions): Promise<void> {
    const bundle = this.needBundle();
    if (!Number.isSafeInteger(steps) || steps < 1)
      throw new UserError('steps: must be a positive whole number');
    if (!Number.isSafeInteger(seed) || seed < 0)
      throw new UserError('seed: must be a whole number, 0 or more');
    const source = this.sourceOf(data === 'embedded' ? 'embedded' : BROWSER);
    const file = bundle.manifest.initialState;
    let state: State = decodeSafetensors(file, await bundle.read(file)).tensors;
    let initFrom: string | null = null;
    if (start !== 'fresh') {
      const weights = start === 'file' ? this.weights : await this.pretrained();
      if (!weights) throw new UserError('the weights to start from are gone');
      const started = startFrom(weights, bundle.manifest, state);
      state = started.state;
      initFrom = `${BROWSER}${weights.file}`;
      this.say({ kind: 'note', text: formatLoadReport(started.report).join('\n') });
    }
    const identity: RunIdentity = {
      data: source.name,
      labels: null,
      validation: null,
      unlabelled: null,
      broken: 'fail',
      seed,
      steps,
      initFrom,
      accumulate: 1,
    };
    await this.train(new WebRun(bundle, identity, source, state, 0), source);
  }

  private async resume(): Promise<void> {
    const bundle = this.needBundle();
    const kept = await this.kept();
    if (!kept) throw new UserError('nothing is kept of a run of this bundle');
    const source = this.sourceOf(kept.identity.data);
    if (source.name !== kept.identity.data)
      throw new UserError(
        `the run was started on ${kept.identity.data.slice(BROWSER.length)}; drop those again`,
      );
    const { state } = await decodeCheckpoint('the checkpoint kept here', kept.checkpoint);
    await this.train(new WebRun(bundle, kept.identity, source, state, kept.step, kept.lines), source);
  }

  private async train(run: WebRun, source: WebSource): Promise<void> {
    const { steps } = run.identity;
    const shown = source.name === 'embedded' ? embeddedSource('test') : source;
    this.paused = false;
    this.say({ kind: 'started' });
    this.say({ kind: 'curves', lines: run.lines, steps });
    try {
      while (!run.finished && !this.paused) {
        const line = await run.advance();
        this.say({ kind: 'step', line, steps });
        if (line.step % KEEP_EVERY === 0 && !run.finished) await this.keep(run, shown);
        await breathe();
      }
      await this.keep(run, shown);
    } finally {
      await run.close();
      this.say({ kind: 'stopped', situation: await this.situation() });
    }
  }

  private async keep(run: WebRun, shown: WebSource): Promise<void> {
    const { task } = this.needBundle().manifest.recipe;
    await (await this.storage).set(`run:${task}`, await run.keep());
    this.say({ kind: 'pictures', svgs: await run.pictures(shown) });
  }

  private async save(): Promise<void> {
    const kept = await this.kept();
    if (!kept) throw new UserError('nothing to save yet');
    this.say({ kind: 'saved', name: `step-${kept.step}.safetensors`, bytes: kept.checkpoint });
  }

  /** What is kept of a run of this very recipe. */
  private async kept(): Promise<KeptRun | undefined> {
    const { recipe } = this.needBundle().manifest;
    const kept = await (await this.storage).get<KeptRun>(`run:${recipe.task}`);
    if (!kept) return undefined;
    const checkpoint = await decodeCheckpoint('the checkpoint kept here', kept.checkpoint);
    return checkpoint.recipe === JSON.stringify(recipe) ? kept : undefined;
  }

  private async pretrained(): Promise<WeightSource | undefined> {
    const kept = await (await this.storage).get<KeptRun>('run:pretrain');
    if (!kept) return undefined;
    const file = `the pretraining of ${kept.step} steps`;
    const { state, kinds } = await decodeCheckpoint(file, kept.checkpoint);
    return { from: file, file, state, kinds };
  }

  private sourceOf(data: string): WebSource {
    if (!data.startsWith(BROWSER)) return embeddedSource('train');
    if (!this.photos) throw new UserError('drop images first');
    return photoSource(this.photos);
  }

  private needBundle(): WebBundle {
    if (!this.bundle) throw new UserError('give the address of a bundle, or drop its files');
    return this.bundle;
  }

  private async ready(): Promise<void> {
    if (!this.bundle) {
      this.say({ kind: 'needs' });
      return;
    }
    this.say({ kind: 'ready', situation: await this.situation() });
    const kept = await this.kept();
    this.say({ kind: 'curves', lines: kept?.lines ?? [], steps: kept?.identity.steps ?? 1 });
  }

  private async situation(): Promise<Situation> {
    const { recipe, recipeName, parameters } = this.needBundle().manifest;
    const kept = await this.kept();
    const pretrained = await (await this.storage).get<KeptRun>('run:pretrain');
    return {
      recipe: recipeName,
      task: recipe.task,
      parameters,
      batch: recipe.batch,
      steps: recipe.schedule.steps,
      seed: recipe.seed,
      photos: this.photos ? { count: this.photos.images.length, classes: this.photos.classes } : null,
      kept: kept ? { step: kept.step, steps: kept.identity.steps, data: kept.identity.data } : null,
      pretrained: recipe.task === 'finetune' && pretrained ? pretrained.step : null,
      weights: this.weights?.file ?? null,
    };
  }
}

async function readWeights(file: File): Promise<WeightSource> {
  const { name } = file;
  const { tensors, metadata } = decodeSafetensors(name, new Uint8Array(await file.arrayBuffer()));
  const kinds = metadata.state === undefined ? null : parseKinds(name, metadata.state);
  return { from: name, file: name, state: tensors, kinds };
}
