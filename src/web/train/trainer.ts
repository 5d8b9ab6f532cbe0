/** What the page can ask for: open a bundle, take images, train, save; and what is kept of it in the browser. */
import { imageShape } from '../../bundle/imageShape';
import { UserError } from '../../base/errors';
import { decodeSafetensors } from '../../tensors/safetensorsFormat';
import { formatLoadReport } from '../../run/loadReport';
import { contentOf, requireContent } from '../../run/content';
import { BROWSER, type RunIdentity } from '../../run/runIdentity';
import { startFrom, type WeightSource } from '../../training/startFrom';
import type { State } from '../../run/stateTypes';
import { messageOf, shownName } from '../common/words';
import { droppedBundle, fetchBundle, type WebBundle } from './bundle';
import { NO_CHECKSUM, readWeights } from './checkpoint';
import { type FoundRun, Kept } from './kept';
import { LARGEST_SIDE, readPhotos, shownPhotos } from './photos';
import type { FromWorker, Situation, StartOptions, ToWorker } from './protocol';
import { WebRun } from './run';
import { embeddedSource, type Photos, photoSource, type WebSource } from './source';

/** Steps between two checkpoints that are kept, and two pictures. */
const KEEP_EVERY = 25;

/** Lets messages in; the runtime's own promises do not. */
const breathe = () => new Promise((resolve) => setTimeout(resolve));

export class Trainer {
  private readonly kept: Kept;
  private bundle: WebBundle | undefined;
  private photos: Photos | undefined;
  private weights: WeightSource | undefined;
  private paused = false;

  constructor(private readonly say: (message: FromWorker) => void) {
    this.kept = new Kept(
      (problem) => say({ kind: 'storage', problem }),
      (text) => say({ kind: 'note', text }),
    );
  }

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
        return this.take(message);
      case 'train':
        return this.start(message.options);
      case 'continue':
        return this.resume();
      case 'save':
        return this.save();
      case 'forget':
        await this.kept.clear();
        this.photos = this.weights = undefined;
        this.say({ kind: 'curves', lines: [], steps: 1 });
        return this.ready();
      case 'pause':
        this.pause();
    }
  }

  private async open(address: string | null): Promise<void> {
    if (!('subtle' in crypto)) this.sayUnsaved(NO_CHECKSUM);
    this.photos ??= await this.kept.photos();
    try {
      if (address !== null) {
        this.bundle = await fetchBundle(address);
      } else {
        const files = await this.kept.bundle();
        this.bundle = (files && (await droppedBundle(files))) ?? undefined;
      }
    } finally {
      await this.ready();
    }
  }

  private async take({ files, leftOut }: Extract<ToWorker, { kind: 'files' }>): Promise<void> {
    const byPath = new Map<string, Blob>(files.map(({ path, file }) => [path, file]));
    const bundle = await droppedBundle(byPath);
    if (bundle) {
      this.bundle = bundle;
      await this.kept.setBundle(byPath);
    } else if (files.length === 1 && files[0].path.endsWith('.safetensors')) {
      this.weights = await readWeights(files[0].file);
    } else {
      const image = this.bundle && imageShape(this.bundle.manifest.recipe.image);
      const size = image ? Math.max(image.width, image.height) : LARGEST_SIDE;
      this.photos = await readPhotos(files, leftOut, size, (text) => this.say({ kind: 'note', text }));
      this.say({ kind: 'note', text: '' });
      await this.kept.setPhotos(this.photos);
    }
    await this.ready();
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
      // other programs know dropped files by other names and sizes
      content: data === 'embedded' ? contentOf(source) : null,
      labels: null,
      validation: null,
      unlabelled: null,
      unlabelledContent: null,
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
    const found = await this.found();
    if (!found) throw new UserError('nothing is kept of a run of this bundle');
    const { identity, content, step, lines } = found.run;
    const source = this.sourceOf(identity.data);
    if (source.name !== identity.data)
      throw new UserError(
        `the run was started on ${shownName(identity.data.slice(BROWSER.length))}; drop those again`,
      );
    if (content) requireContent('what was dropped', contentOf(source), content, 'the run');
    await this.train(new WebRun(bundle, identity, source, found.checkpoint.state, step, lines), source);
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

  /** Keeps and shows the run as it stands; a browser that can do neither is no reason to stop it. */
  private async keep(run: WebRun, shown: WebSource): Promise<void> {
    const { task } = this.needBundle().manifest.recipe;
    run.requireFinite();
    try {
      await this.kept.setRun(task, await run.keep());
    } catch (error) {
      this.sayUnsaved(messageOf(error));
    }
    try {
      this.say({ kind: 'pictures', svgs: await run.pictures(shown) });
    } catch (error) {
      this.say({ kind: 'note', text: `No pictures of hidden patches: ${messageOf(error)}` });
    }
  }

  private sayUnsaved(reason: string): void {
    const problem = `Nothing can be saved: ${reason}. Training works, and is lost when the page is closed.`;
    this.say({ kind: 'storage', problem });
  }

  private async save(): Promise<void> {
    const found = await this.found();
    if (!found) throw new UserError('nothing to save yet');
    const { step, checkpoint } = found.run;
    this.say({ kind: 'saved', name: `step-${step}.safetensors`, bytes: checkpoint });
  }

  /** What is kept of a run of this very recipe. */
  private async found(): Promise<FoundRun | undefined> {
    const { recipe } = this.needBundle().manifest;
    const found = await this.kept.run(recipe.task);
    return found?.checkpoint.recipe === JSON.stringify(recipe) ? found : undefined;
  }

  private async pretrained(): Promise<WeightSource | undefined> {
    const found = await this.kept.run('pretrain');
    if (!found) return undefined;
    const file = `the pretraining of ${found.run.step} steps`;
    return { from: file, file, state: found.checkpoint.state, kinds: found.checkpoint.kinds };
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
    const run = (await this.found())?.run;
    this.say({ kind: 'curves', lines: run?.lines ?? [], steps: run?.identity.steps ?? 1 });
  }

  private async situation(): Promise<Situation> {
    const { recipe, recipeName, parameters } = this.needBundle().manifest;
    const run = (await this.found())?.run;
    const pretrained = recipe.task === 'finetune' ? (await this.kept.run('pretrain'))?.run : undefined;
    return {
      recipe: recipeName,
      task: recipe.task,
      parameters,
      batch: recipe.batch,
      steps: recipe.schedule.steps,
      seed: recipe.seed,
      photos: this.photos ? shownPhotos(this.photos) : null,
      kept: run ? { step: run.step, steps: run.identity.steps, data: run.identity.data } : null,
      pretrained: pretrained?.step ?? null,
      weights: this.weights?.file ?? null,
    };
  }
}
