/** What the images of a run are, wherever they lie: a later use can tell them from any others. */
import { createHash } from 'node:crypto';
import { UserError } from '../base/errors';
import type { Content } from './runIdentity';

/** What is asked of a source of images. */
interface Images {
  readonly length: number;
  readonly classes: readonly string[] | null;
  /** SHA-256 of all pixels, where it is known without reading them */
  readonly digest?: string;
  /** the same wherever the images lie */
  key(index: number): string;
  storedBytes(index: number): number;
  label(index: number): number | null;
}

export function contentOf(source: Images): Content {
  const { length, classes, digest } = source;
  const images = createHash('sha256');
  const labels = createHash('sha256');
  for (let i = 0; i < length; i++) {
    if (digest === undefined) images.update(`${source.key(i)}\0${source.storedBytes(i)}\n`);
    if (classes) labels.update(`${source.label(i)}\n`);
  }
  return {
    images: length,
    sha256: digest ?? images.digest('hex'),
    classes: classes && [...classes],
    labels: classes && labels.digest('hex'),
  };
}

/**
 * How `now` differs from `before`, in words; null where both are the same. Labels that one of them does not use are not
 * compared.
 */
export function contentDifference(before: Content, now: Content): string | null {
  const classes = before.classes && now.classes && classDifference(before.classes, now.classes);
  const count = before.images === now.images ? null : `${now.images} images, there were ${before.images}`;
  const names = before.sha256 === now.sha256 ? null : 'images of other names or sizes, or in another order';
  const labels =
    before.labels !== null && now.labels !== null && before.labels !== now.labels
      ? 'other labels for the same images'
      : null;
  return [classes, count ?? names ?? labels].filter((each) => each !== null).join('; ') || null;
}

/** Whether labels mean the same in both. */
export const sameClasses = (before: Content, now: Content): boolean =>
  before.classes === null || now.classes === null || classDifference(before.classes, now.classes) === null;

function classDifference(before: readonly string[], now: readonly string[]): string | null {
  if (before.length === now.length && before.every((name, label) => name === now[label])) return null;
  const added = now.filter((name) => !before.includes(name));
  const gone = before.filter((name) => !now.includes(name));
  const list = (names: readonly string[]) =>
    names.length > 3 ? `${names.slice(0, 3).join(', ')} and ${names.length - 3} more` : names.join(', ');
  const parts = [
    ...(added.length > 0 ? [`new classes: ${list(added)}`] : []),
    ...(gone.length > 0 ? [`classes that are gone: ${list(gone)}`] : []),
  ];
  return parts.length > 0 ? parts.join('; ') : 'its classes are in another order';
}

/** Throws a UserError that says how `now`, the images of `spec`, differ from those of `before`, which are `whose`. */
export function requireContent(spec: string, now: Content, before: Content, whose: string): void {
  const difference = contentDifference(before, now);
  if (difference !== null)
    throw new UserError(`${spec}: these are not the images of ${whose}: ${difference}`);
}
