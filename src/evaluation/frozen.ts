/** What the evaluators of a frozen encoder share: the run, the bank of labelled images, the queries, and the score. */
import { existsSync } from 'node:fs';
import { UserError } from '../base/errors';
import { maxOf } from '../base/lists';
import { wilson } from '../base/statistics';
import type { BrokenImage } from '../data/batches/options';
import { allBut, subset } from '../data/batches/sampler';
import { commonClasses } from '../data/sources/classes';
import type { Source } from '../data/sources/source';
import { openRun, withSession, type OpenRun, type ReadOptions, type RunOptions } from '../run/openRun';
import { runPaths } from '../run/runFolder';
import { readValidationIndices } from '../run/validationFile';
import { isDataOf } from './validationImages';
import type { FeatureKind, Selection } from './features';
import { computeFeatures, requireFeatures, withLabelled } from './features';
import { holdOut } from './holdOut';
import { accuracy as accuracyOf, type Labelled } from './linearProbe';

export interface FrozenOptions extends RunOptions, ReadOptions {
  /** labelled source: `embedded`, `cifar10:PATH`, `folder:PATH` */
  readonly data: string;
  /** subset of the training images that serves as bank: `5%`, `4000` or `60/class`; default: all */
  readonly labels?: string;
  /**
   * queries: the test split, or training images, which the bank then lacks: those that the run kept from training
   * (`--validation`), or else a tenth of all; default test
   */
  readonly split?: 'test' | 'validation';
  /** default `embedding` */
  readonly features?: FeatureKind;
  /** of every draw; default: the run's, so that `labels` means the images that training with it sees */
  readonly seed?: number;
}

/** What was evaluated; part of every result. */
export interface Evaluated {
  readonly checkpoint: string;
  readonly step: number;
  readonly data: string;
  readonly split: 'test' | 'validation';
  readonly features: FeatureKind;
  /** of the features */
  readonly width: number;
  readonly labels: string | null;
  readonly seed: number;
  /** labelled training images */
  readonly bank: number;
  /** images that were skipped; they are neither in the bank nor queries */
  readonly broken: readonly BrokenImage[];
}

export interface FrozenFeatures {
  readonly evaluated: Evaluated;
  readonly bank: Labelled;
  readonly queries: Labelled;
  readonly classes: readonly string[];
  readonly seed: number;
  readonly threads: number;
}

export interface Score {
  /** queries */
  readonly count: number;
  readonly accuracy: number;
  /** 95 % (Wilson) */
  readonly interval: readonly [low: number, high: number];
  /** share of the most frequent class: what a constant answer reaches */
  readonly chance: number;
}

const VALIDATION = 0.1;

/** Throws a UserError for whatever is not there or does not fit. */
export async function frozenFeatures(
  options: FrozenOptions,
  warn: (line: string) => void,
): Promise<FrozenFeatures> {
  const { directory, data, split = 'test', features = 'embedding', labels = null, workers } = options;
  const run = openRun(options, warn);
  const { checkpoint, settings, threads } = run;
  const { manifest } = run.bundle;
  requireFeatures(manifest, features, directory);
  const seed = options.seed ?? settings?.seed ?? manifest.recipe.seed;
  const decoding = { broken: options.broken ?? settings?.broken, workers };
  const balanced = manifest.recipe.labelSubset === 'balanced';
  const [bankImages, queryImages] = await select(run, data, split, labels, seed, balanced);
  const { bank, queries } = await withSession(run, async (session) => {
    const of = (images: Selection) => computeFeatures(session, manifest, features, images, decoding);
    return { bank: await of(bankImages), queries: await of(queryImages) };
  });
  const { file, step } = checkpoint;
  const { width, count } = bank;
  const broken = [...bank.broken, ...queries.broken];
  return {
    evaluated: { checkpoint: file, step, data, split, features, width, labels, seed, bank: count, broken },
    bank,
    queries,
    classes: bankImages.classes,
    seed,
    threads,
  };
}

/** Bank and queries, which share no image. */
async function select(
  run: OpenRun,
  spec: string,
  split: 'test' | 'validation',
  labels: string | null,
  seed: number,
  balanced: boolean,
): Promise<[bank: Selection, queries: Selection]> {
  return withLabelled(spec, 'train', async (train) => {
    const { classes } = train;
    const images = (indices: Int32Array): Selection => ({ spec, split: 'train', indices, classes });
    const all = Int32Array.from({ length: train.length }, (_, i) => i);
    const labelled = (pool: Int32Array) =>
      labels === null ? pool : subset(train, labels, seed, { pool, balanced });
    if (split === 'validation') {
      const own = ownValidation(run, spec, train);
      const { kept, held } = own
        ? { kept: allBut(train.length, own), held: own }
        : holdOut(labelsOf(train, all), VALIDATION, seed);
      if (held.length === 0)
        throw new UserError(`--split validation: ${train.name} has no class with two training images`);
      return [images(labelled(kept)), images(held)];
    }
    const queries = await withLabelled(spec, 'test', (test): Selection => {
      if (test.split === 'all') {
        throw new UserError(
          `${test.name}: has no division into train and test, so that every query would be in the bank; add --split validation`,
        );
      }
      const indices = Int32Array.from({ length: test.length }, (_, i) => i);
      return { spec, split: 'test', indices, classes: commonClasses(train, test) ?? classes };
    });
    return [{ ...images(labelled(all)), classes: queries.classes }, queries];
  });
}

/** The images of this source that the run kept from training, or null. */
function ownValidation(run: OpenRun, spec: string, source: Source): Int32Array | null {
  if (!existsSync(runPaths(run.directory).validation) || !isDataOf(run, spec, source)) return null;
  return readValidationIndices(run.directory);
}

export const labelsOf = (source: Source, indices: Int32Array) =>
  indices.map((index) => source.label(index) ?? -1);

export function score(predictions: Int32Array, labels: Int32Array): Score {
  const count = labels.length;
  const sizes = new Map<number, number>();
  labels.forEach((label) => sizes.set(label, (sizes.get(label) ?? 0) + 1));
  const accuracy = accuracyOf(predictions, labels);
  return {
    count,
    accuracy,
    interval: wilson(accuracy, count),
    chance: maxOf(sizes.values()) / count,
  };
}
