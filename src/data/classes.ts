/** Class names of the splits of one source: where labels come without names, a split ends at its own largest label. */
import { UserError } from '../errors';
import type { Source } from './source';

type Labelled = Pick<Source, 'name' | 'split' | 'classes'>;

/**
 * The classes of both splits: the longer list, of which the shorter has to be the beginning. A split without labels has no
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
