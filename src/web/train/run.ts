/** One training in a browser: its state, its batches, and what is kept of it. */
import { patchCounts } from '../../bundle/checkRecipe';
import { imageLength, imageShape } from '../../bundle/imageShape';
import { checkSource } from '../../data/batches/checkSource';
import { sequentialSampler, type Sampler, shuffledSampler, spread } from '../../data/batches/sampler';
import { UserError } from '../../base/errors';
import type { Measurement } from '../../draw/curves';
import { patchPicture } from '../../draw/patchPicture';
import { patchTask } from '../../draw/patches';
import { batchFeeds, batchOptions } from '../../evaluation/feeds';
import { contentOf } from '../../run/content';
import type { RunIdentity } from '../../run/runIdentity';
import { firstNotFinite, requireState, type State } from '../../run/stateTypes';
import { runSteps } from '../../training/stepper';
import { shownName } from '../common/words';
import { makeBatch } from './batches';
import type { WebBundle } from './bundle';
import { encodeCheckpoint } from './checkpoint';
import type { KeptRun } from './kept';
import { pixelsUri } from './pictures';
import { WebSession } from './session';
import type { WebSource } from './source';

/** Hidden patches are drawn from this seed in pictures, so that two of them can be compared. */
const PICTURE_SEED = 0;
const PICTURES = 2;

export class WebRun {
  readonly lines: Measurement[];
  private readonly session: WebSession;
  private readonly sampler: Sampler;

  /**
   * A run that has finished `step` steps and has `state`. UserError where the images do not fit the graph, or the state does
   * not fit the bundle.
   */
  constructor(
    private readonly bundle: WebBundle,
    readonly identity: RunIdentity,
    private readonly source: WebSource,
    state: State,
    private step: number,
    lines: readonly Measurement[] = [],
  ) {
    const { manifest, read } = bundle;
    checkSource(source, batchOptions(manifest, 'train'));
    requireState('the state', state, manifest);
    const all = Int32Array.from({ length: source.length }, (_, i) => i);
    this.sampler = shuffledSampler(all, manifest.recipe.batch, identity.seed);
    this.session = new WebSession(manifest, read);
    this.session.setState(state);
    this.lines = [...lines];
  }

  get finished(): boolean {
    return this.step >= this.identity.steps;
  }

  /** One step; its metrics. UserError where the loss is no longer finite. */
  async advance(): Promise<Measurement> {
    const { manifest } = this.bundle;
    const { seed, steps } = this.identity;
    const began = performance.now();
    const options = { ...batchOptions(manifest, 'train'), seed };
    const batch = makeBatch(this.source, options, this.sampler.draw(this.step), this.step);
    const settings = { seed, steps, stepsPerRun: 1, accumulate: 1 };
    const [{ metrics, epoch, learningRate }] = await runSteps(this.session, manifest, settings, this.step, [
      batch,
    ]);
    this.step++;
    if (!Number.isFinite(metrics.loss))
      throw new UserError(`the loss is ${metrics.loss} at step ${this.step}`);
    const pace = manifest.recipe.batch / ((performance.now() - began) / 1000);
    const line = { step: this.step, epoch, ...metrics, learning_rate: learningRate, images_per_second: pace };
    this.lines.push(line);
    return line;
  }

  /** UserError where the state is not finite. */
  requireFinite(): void {
    const broken = firstNotFinite(this.session.getState());
    if (broken !== undefined) throw new UserError(`${broken} is not finite after step ${this.step}`);
  }

  /** What to keep, with the checkpoint of this step. UserError where the browser makes no checkpoint. */
  async keep(): Promise<KeptRun> {
    const state = this.session.getState();
    const { identity, source, step, lines } = this;
    const checkpoint = await encodeCheckpoint(this.bundle.manifest, identity, step, state);
    return { identity, content: contentOf(source), step, checkpoint, lines: [...lines] };
  }

  /** The patch task of a few of `images` as SVG, evenly spread; none for a classifier. */
  async pictures(images: WebSource): Promise<string[]> {
    const { manifest } = this.bundle;
    const { recipe } = manifest;
    if (recipe.task !== 'pretrain') return [];
    const chosen = spread(images.length, Math.min(recipe.batch, images.length));
    const options = { ...batchOptions(manifest, 'evaluate'), seed: PICTURE_SEED };
    const batch = makeBatch(images, options, sequentialSampler(chosen, recipe.batch).draw(0), 0);
    const outputs = await this.session.run('eval', batchFeeds(manifest.graphs.eval, [batch], false));
    const logits = outputs.get('logits')?.data;
    if (!(logits instanceof Float32Array) || !batch.images || !batch.patch_order) return [];
    const { width, height, channels } = imageShape(recipe.image);
    const { patches, hidden } = patchCounts(recipe);
    const bytes = imageLength(recipe.image);
    const svgs: string[] = [];
    for (let i = 0; i < Math.min(PICTURES, chosen.length); i++) {
      const task = patchTask({
        ...{ width, height, channels, patch: recipe.patch.size },
        image: (batch.images as Uint8Array).subarray(i * bytes, (i + 1) * bytes),
        order: Array.from(batch.patch_order.slice(i * patches, (i + 1) * patches), Number),
        logits: logits.subarray(i * hidden * hidden, (i + 1) * hidden * hidden),
      });
      svgs.push(
        await patchPicture(task, `Step ${this.step}: ${shownName(images.where(chosen[i]))}`, pixelsUri),
      );
    }
    return svgs;
  }

  close(): Promise<void> {
    return this.session.close();
  }
}
