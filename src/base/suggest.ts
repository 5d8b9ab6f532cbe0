/** "did you mean ...?" for a mistyped name. */
import { closest, distance } from 'fastest-levenshtein';

/** `; did you mean X?` for the known name nearest to `name`, or '' where none is near. */
export function didYouMean(name: string, known: readonly string[]): string {
  if (known.length === 0) return '';
  const nearest = closest(name, known);
  return distance(name, nearest) <= Math.max(2, name.length / 2) ? `; did you mean ${nearest}?` : '';
}
