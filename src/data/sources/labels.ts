/** Labels as files have them, numbers or text, become numbers with a name for each. */
import { oneLine, UserError } from '../../base/errors';
import { numberedClasses } from './shards';
import { AbsentSplit, type Source, type Split } from './source';

/** As it is written; null: there is none. */
export type WrittenLabel = number | string | null;

export interface Labels {
  /** by label */
  readonly classes: readonly string[];
  /** [images] */
  readonly labels: Int32Array;
}

/** Whether a source must give labels, or leaves them out where they cannot be used, as for pretraining. */
export type LabelNeed = 'needed' | 'optional';

const quote = (label: WrittenLabel) =>
  typeof label === 'string' ? `'${oneLine(label).slice(0, 40)}'` : String(label);

const isNumber = (label: WrittenLabel): boolean =>
  typeof label === 'number' || (label !== null && /^\s*\d+\s*$/.test(label));

/**
 * Whole numbers from 0 on are labels as they are, named by `names` or by themselves; text is sorted, and each text's place is
 * its label. Null where no image has one.
 * @param known class names of the training split, of which text has to be one; null: this is that split
 * @throws UserError where only some have one, numbers and text are mixed, and for what is no class
 */
export function resolveLabels(
  written: readonly WrittenLabel[],
  where: (index: number) => string,
  names: readonly string[] | null = null,
  known: readonly string[] | null = null,
): Labels | null {
  const without = written.indexOf(null);
  const first = written.findIndex((label) => label !== null);
  if (first < 0) return null;
  if (without >= 0)
    throw new UserError(
      `${where(without)} has no label, and others have (${where(first)}: ${quote(written[first])})`,
    );
  const text = written.findIndex((label) => !isNumber(label));
  if (text < 0) return numbered(written.map(Number), where, names);
  const isText = (label: WrittenLabel) => typeof label === 'string' && !isNumber(label);
  const number = written.findIndex((label) => !isText(label));
  if (number >= 0)
    throw new UserError(
      `${where(text)}: label ${quote(written[text])}, and ${where(number)} has ${quote(written[number])}; either all are whole ` +
        'numbers or all are names',
    );
  const own = written.map((label) => String(label).trim());
  const classes = known ?? names ?? [...new Set(own)].sort();
  const places = new Map(classes.map((name, label) => [name, label]));
  const labels = Int32Array.from(own, (name, i) => {
    const label = places.get(name);
    if (label === undefined)
      throw new UserError(`${where(i)}: label ${quote(name)} is none of the classes of the training images`);
    return label;
  });
  return { classes, labels };
}

function numbered(
  labels: readonly number[],
  where: (index: number) => string,
  names: readonly string[] | null,
): Labels {
  const classes = names ?? numberedClasses(labels, where);
  const wrong = labels.findIndex(
    (label) => !(Number.isInteger(label) && label >= 0 && label < classes.length),
  );
  if (wrong >= 0)
    throw new UserError(`${where(wrong)}: label ${labels[wrong]}, expected 0 to ${classes.length - 1}`);
  return { classes, labels: Int32Array.from(labels) };
}

/** `resolve`, or where labels are optional and cannot be used, none and a note that says why. */
export function labelsAsNeeded(
  need: LabelNeed,
  resolve: () => Labels | null,
): { readonly found: Labels | null; readonly notes: readonly string[] } {
  try {
    return { found: resolve(), notes: [] };
  } catch (error) {
    if (need === 'needed' || !(error instanceof UserError)) throw error;
    return { found: null, notes: [`labels are left out: ${error.message}`] };
  }
}

/**
 * The names by which text of a test split is numbered, those of its training split; null where labels are no text or not needed,
 * or there is no such split.
 */
export async function trainingClasses(
  split: Split | 'all',
  need: LabelNeed,
  written: readonly WrittenLabel[],
  openTraining: () => Promise<Source>,
): Promise<readonly string[] | null> {
  if (split !== 'test' || need !== 'needed' || !written.some((label) => typeof label === 'string'))
    return null;
  try {
    const source = await openTraining();
    source.close();
    return source.classes;
  } catch (error) {
    if (error instanceof AbsentSplit) return null;
    throw error;
  }
}
