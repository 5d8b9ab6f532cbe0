/** Names for every class of a network. */
import type { Recipe } from '../bundle/recipe';

/** Those of the data; a class that it has no name for is called LABEL_n, as transformers does. */
export const classLabels = ({ network }: Recipe, names: readonly string[] | null): string[] =>
  Array.from({ length: network.classes }, (_, i) => names?.[i] ?? `LABEL_${i}`);
