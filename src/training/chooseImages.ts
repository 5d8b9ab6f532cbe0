/** Which images a run sees, and whether they are those that it was started with. */
import { UserError } from '../base/errors';
import type { Manifest } from '../bundle/manifest';
import type { UnlabelledOptions } from '../data/batches/options';
import { allBut, subset } from '../data/batches/sampler';
import type { LabelNeed } from '../data/sources/labels';
import { openSource } from '../data/sources/readers';
import type { Source } from '../data/sources/source';
import { batchOptions } from '../evaluation/feeds';
import { contentDifference, contentOf, sameClasses } from '../run/content';
import type { RunSettings } from '../run/runFolder';
import type { Content } from '../run/runIdentity';

/** What is asked for, without what the images themselves say. */
export type AskedSettings = Omit<RunSettings, keyof DataSettings>;
type DataSettings = Pick<RunSettings, 'classes' | 'content' | 'unlabelledContent'>;

export interface ChosenImages {
  /** examples to train on, or undefined for all */
  readonly indices: Int32Array | undefined;
  /** examples to evaluate on, or undefined for none */
  readonly validation: Int32Array | undefined;
  /** images for consistency training; undefined where the bundle takes none */
  readonly unlabelled: Pick<UnlabelledOptions, 'spec' | 'indices'> | undefined;
}

/** What `train` was told. */
interface Told {
  readonly directory: string;
  readonly data?: string;
  readonly acceptDataChange?: boolean;
}

/**
 * Opens the images of a run and draws its examples.
 * @param stored of the run that is resumed; null for a new one
 * @throws UserError for images that cannot be opened, and for others than the run was started with unless they are accepted
 */
export async function chooseImages(
  asked: AskedSettings,
  stored: Partial<RunSettings> | null,
  told: Told,
  manifest: Manifest,
  warn: (line: string) => void,
): Promise<{ content: DataSettings; chosen: ChosenImages }> {
  const { data, unlabelled, validation, labels } = asked;
  const { directory, acceptDataChange: accept = false } = told;
  const wanted = batchOptions(manifest, 'train').labels;
  const source = await openStored(data, told, stored, wanted ? 'needed' : 'optional');
  try {
    source.notes?.forEach((note) => warn(`${data}: ${note}`));
    const content = contentOf(source);
    const fixed =
      validation !== null
        ? '--validation was drawn from the old images, so that training would see what it keeps apart'
        : labels !== null
          ? '--labels were drawn from the old images'
          : null;
    // Run.json of an older version knows the classes alone.
    const before = stored?.classes ?? stored?.content?.classes;
    if (wanted && before) requireSameClasses(directory, data, before, content);
    settle({ option: '--data', spec: data, directory, accept, fixed }, stored?.content, content, warn);
    if (wanted && content.classes && content.classes.length < wanted.classes)
      warn(
        `the network has ${wanted.classes} outputs and ${data} only ${content.classes.length} classes, so that the others are ` +
          `never right; build it with --set network.classes=${content.classes.length}`,
      );
    const other = unlabelled !== null && unlabelled !== data ? await contentAt(unlabelled) : null;
    if (other && unlabelled !== null)
      settle(
        { option: '--unlabelled', spec: unlabelled, directory, accept, fixed: null },
        stored?.unlabelledContent,
        other,
        warn,
      );
    return {
      content: { classes: content.classes, content, unlabelledContent: other },
      chosen: chooseExamples(source, asked, manifest),
    };
  } finally {
    source.close();
  }
}

/** The training images; where a run remembers a place that is no more, the error says how to go on. */
async function openStored(
  spec: string,
  { directory, data }: Told,
  stored: Partial<RunSettings> | null,
  labels: LabelNeed,
): Promise<Source> {
  try {
    return await openSource(spec, 'train', labels);
  } catch (error) {
    if (!(error instanceof UserError) || data !== undefined || !stored) throw error;
    throw new UserError(
      `${error.message} (the run in ${directory} was started with --data ${spec}; where its images lie elsewhere now, ` +
        'or the command is called from another folder, give --data)',
      { cause: error },
    );
  }
}

async function contentAt(spec: string): Promise<Content> {
  const source = await openSource(spec, 'train', 'optional');
  try {
    return contentOf(source);
  } finally {
    source.close();
  }
}

function requireSameClasses(directory: string, data: string, before: readonly string[], now: Content): void {
  const old = { ...now, classes: [...before] };
  if (sameClasses(old, now)) return;
  throw new UserError(
    `--data ${data}: these are not the classes of the run in ${directory}: ${contentDifference(old, now)}; ` +
      'give the images it was started with, or train in another folder',
  );
}

interface Settling {
  readonly option: string;
  readonly spec: string;
  readonly directory: string;
  readonly accept: boolean;
  /** why other images make no sense in this run; null: they do */
  readonly fixed: string | null;
}

/** Throws a UserError where the images are others than before, unless that is accepted and makes sense. */
function settle(
  { option, spec, directory, accept, fixed }: Settling,
  before: Content | null | undefined,
  now: Content,
  warn: (line: string) => void,
): void {
  const difference = before ? contentDifference(before, now) : null;
  if (difference === null) return;
  const others = `${option} ${spec}: these are not the images of the run in ${directory}: ${difference}`;
  if (!accept) {
    const how = fixed === null ? ', or go on with these by --accept-data-change' : '';
    throw new UserError(`${others}; give the images it was started with, or train in another folder${how}`);
  }
  if (fixed !== null) throw new UserError(`${others}; --accept-data-change is not possible: ${fixed}`);
  warn(`${others}; going on with them, so that this is no longer the run that was started`);
}

/**
 * The validation examples, drawn from the seed before the labels are, and those to train on. Validation is balanced where
 * there are labels; a share of labels (`5%`) is one of what validation leaves. Unlabelled images are all that validation
 * leaves, or those of another source.
 */
function chooseExamples(
  source: Source,
  { data, validation, labels, seed, unlabelled }: AskedSettings,
  { recipe }: Manifest,
): ChosenImages {
  const kept =
    validation === null
      ? undefined
      : subset(source, validation, seed, { balanced: source.classes !== null, option: 'validation' });
  const pool = kept && allBut(source.length, kept);
  if (pool?.length === 0) throw new UserError(`--validation ${validation} leaves nothing to train on`);
  const other = unlabelled !== null && unlabelled !== data;
  return {
    validation: kept,
    indices:
      labels === null
        ? pool
        : subset(source, labels, seed, { pool, balanced: recipe.labelSubset === 'balanced' }),
    unlabelled:
      recipe.consistency.ratio === 0
        ? undefined
        : { spec: unlabelled ?? data, indices: other ? undefined : pool },
  };
}
