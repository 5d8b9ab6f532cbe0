/** Class names of the splits of one source, and of a source and a network. */
import { UserError } from '../../base/errors';
import type { Source } from './source';

type Labelled = Pick<Source, 'name' | 'split' | 'classes'>;

/**
 * Requires that labels mean the same in `source` as in training; without labels or names there is nothing to compare.
 * @throws UserError for the first that does not: what is counted by them would be wrong without a sign of it
 */
export function requireClasses({ name, classes }: Labelled, trained: readonly string[] | null): void {
  const label = classes?.findIndex((each, i) => trained?.[i] !== undefined && trained[i] !== each) ?? -1;
  if (classes && trained && label >= 0)
    throw new UserError(
      `${name}: label ${label} is ${classes[label]}, but the network was trained with ${trained[label]}; ` +
        'give images of the same classes in the same order (folders are sorted by name)',
    );
}

/**
 * The classes of both splits, where labels without names end at the largest of each split: the longer list, of which the shorter has to be the beginning. A split without labels has no
 * say; null where neither has any.
 * @throws UserError for a label that means one class in one split and another in the other
 */
export function commonClasses(one: Labelled, other: Labelled): readonly string[] | null {
  if (one.classes === null || other.classes === null) return one.classes ?? other.classes;
  const few = Math.min(one.classes.length, other.classes.length);
  const label = one.classes.slice(0, few).findIndex((name, i) => name !== other.classes?.[i]);
  if (label < 0) return one.classes.length > few ? one.classes : other.classes;
  throw new UserError(
    `${one.name}: label ${label} is ${one.classes[label]} in its ${one.split} split and ${other.classes[label]} in its ` +
      `${other.split} split; give both the same classes in the same order`,
  );
}
