/** `embed`: what a network makes of every image of a source, in a file; an unfinished one goes on where it was. */
import { existsSync } from 'node:fs';
import type { Broken } from '../base/broken';
import { prepareFile } from '../base/files';
import { takeLock } from '../base/folderLock';
import { imageDims, imageShape } from '../bundle/imageShape';
import { noneReadable } from '../data/batches/examples';
import { createLoader } from '../data/batches/loader';
import type { BrokenImage } from '../data/batches/options';
import type { Source, Split } from '../data/sources/source';
import { UserError } from '../base/errors';
import { pixelType } from '../tensors/pixels';
import { resultFiles, writeResult } from './embedResult';
import { describeImages, loaderSplit, openImageSet, type ImageSet } from './imageSet';
import { requireOutput, type ImageModel, type Output, type ModelChoice } from './model';
import { openModel } from './openModel';
import { outputRows } from '../evaluation/outputRows';
import { PartialRows, requireSame, type Identity } from './partial';
import { PartWriter } from './partWriter';
import { silentProgress, type ImageProgress } from './imageProgress';

export interface EmbedOptions extends ModelChoice {
  /** a form of `SOURCE_FORMS`, or a folder of images */
  readonly source: string;
  /** the file to write, .parquet or .npy */
  readonly to: string;
  /** default all that the source has */
  readonly split?: Split | 'all';
  /** default embedding */
  readonly output?: Output;
  /** images at once, default 64 */
  readonly batch?: number;
  /** threads that decode */
  readonly workers?: number;
  /** images that cannot be decoded: fail (the default), or leave them out */
  readonly broken?: Broken;
  /** in place of the file, and of what was begun */
  readonly overwrite?: boolean;
}

export interface EmbedHooks {
  readonly warn?: (line: string) => void;
  readonly progress?: ImageProgress;
  /** stops after the batch */
  readonly signal?: AbortSignal;
}

export interface EmbedReport {
  /** what was written, or is to be written: the .parquet file, or the .npy and the .csv file */
  readonly files: readonly string[];
  /** whether `signal` stopped it: there are no files yet, and the same options go on */
  readonly interrupted: boolean;
  /** where an unfinished one is kept */
  readonly folder: string;
  readonly output: Output;
  readonly model: Pick<ImageModel, 'name' | 'step'>;
  /** images that were looked at, in all */
  readonly done: number;
  readonly total: number;
  /** rows of the file by split; empty where it was interrupted */
  readonly splits: readonly { readonly split: Source['split']; readonly rows: number }[];
  /** numbers a row */
  readonly width: number;
  readonly broken: readonly BrokenImage[];
  /** of this process; NaN where it looked at none */
  readonly imagesPerSecond: number;
}

const BATCH = 64;

/** Throws a UserError for whatever is not there or does not fit, and for what is there already. */
export async function embed(options: EmbedOptions, hooks: EmbedHooks = {}): Promise<EmbedReport> {
  const { to } = options;
  const files = resultFiles(to);
  files.forEach((file) => prepareFile('--to', file));
  const lock = await takeLock(`${to}.lock`, `--to ${to}`, 'selfie embed');
  try {
    return await embedLocked(options, files, hooks);
  } finally {
    lock.release();
  }
}

async function embedLocked(
  options: EmbedOptions,
  files: readonly string[],
  hooks: EmbedHooks,
): Promise<EmbedReport> {
  const { warn = () => {} } = hooks;
  const { source, to, split = 'all', output = 'embedding' } = options;
  const partial = new PartialRows(`${to}.partial`);
  const stored = options.overwrite ? null : partial.read();
  const there = files.find((file) => existsSync(file));
  if (there !== undefined && !stored && !options.overwrite)
    throw new UserError(`${there}: is there already; add --overwrite to make it anew`);
  const images = await openImageSet(source, split);
  let model: ImageModel | undefined;
  try {
    images.sources.forEach(({ notes }) => notes?.forEach((note) => warn(note)));
    images.missing.forEach((reason) => warn(`without ${reason}`));
    const threads = options.threads ?? stored?.threads;
    const provider = options.provider ?? stored?.provider;
    model = await openModel({ ...options, threads, provider }, warn);
    requireOutput(model, output);
    const identity: Identity = {
      formatVersion: 1,
      source: images.spec,
      split,
      images: describeImages(images),
      model: model.name,
      step: model.step,
      sha256: model.sha256,
      output,
      batch: options.batch ?? stored?.batch ?? BATCH,
      ...model.settings,
      broken: options.broken ?? stored?.broken ?? 'fail',
    };
    if (stored === null) partial.begin(identity);
    else {
      requireSame(partial.folder, stored, identity);
      partial.store(identity);
    }
    const pace = await computeRows(images, model, partial, identity, { ...options, ...hooks });
    const about = { files, folder: partial.folder, output, model: { name: model.name, step: model.step } };
    if (pace.done < pace.total)
      return { ...about, ...pace, interrupted: true, splits: [], width: 0, broken: [] };
    const result = await writeResult(files, images, partial, model, output);
    if (result.width === 0) {
      partial.remove();
      throw noneReadable(pace.total, result.broken);
    }
    partial.remove();
    return { ...about, ...pace, ...result, interrupted: false };
  } finally {
    for (const each of images.sources) each.close();
    await model?.close();
  }
}

/** Computes what is not there yet; tells how far it came, and how fast. */
async function computeRows(
  { spec, sources }: ImageSet,
  model: ImageModel,
  partial: PartialRows,
  { batch, output, broken }: Identity,
  { workers, signal, progress = silentProgress, warn = () => {} }: Pick<EmbedOptions, 'workers'> & EmbedHooks,
): Promise<Pick<EmbedReport, 'done' | 'total' | 'imagesPerSecond'>> {
  const total = sources.reduce((sum, { length }) => sum + length, 0);
  const imagesIn = (source: Source, steps: number) => Math.min(source.length, steps * batch);
  let done = sources.reduce((sum, source) => sum + imagesIn(source, partial.done(source.split)), 0);
  const before = done;
  const start = performance.now();
  progress.update(done, total);
  try {
    for (const source of sources) {
      const startStep = partial.done(source.split);
      if (signal?.aborted || imagesIn(source, startStep) === source.length) continue;
      const loader = await createLoader({
        spec,
        split: loaderSplit(source),
        mode: 'evaluate',
        augment: null,
        image: model.image,
        seed: 0,
        batch,
        broken,
        workers,
        startStep,
      });
      const writer = new PartWriter(partial, source.split, startStep);
      try {
        const shape = [batch, ...imageDims(model.image)];
        const dtype = pixelType(imageShape(model.image).bits);
        const rows = outputRows(loader, output, (each) =>
          model.run({ dtype, shape, data: each.images }, output),
        );
        for await (const each of rows) {
          writer.add(each);
          done += imagesIn(source, each.batch.step + 1) - imagesIn(source, each.batch.step);
          progress.update(done, total);
          if (signal?.aborted) break;
        }
      } finally {
        // Also where an image ends it: what came before need not be computed again.
        writer.flush();
        await loader.close();
      }
    }
  } catch (error) {
    if (done > 0) warn(`${done} of ${total} images are done and kept in ${partial.folder}`);
    throw error;
  } finally {
    progress.stop();
  }
  const imagesPerSecond = (1000 * (done - before)) / (performance.now() - start);
  return { done, total, imagesPerSecond: done === before ? NaN : imagesPerSecond };
}
