/** What may be said of a source in what is given to others: no path of this machine. */
import path from 'node:path';

/** Sources that are one known data set, wherever it lies. */
const DATA_SETS = new Set(['embedded', 'cifar10', 'cifar100', 'cifar100-coarse', 'imagenet32', 'imagenet']);

/** `cifar10:/home/me/data` -> `cifar10`, `folder:/home/me/photos` -> `folder:photos`. */
export function publicSource(spec: string): string {
  const [kind] = spec.split(':', 1);
  if (kind === spec || DATA_SETS.has(kind)) return kind;
  return `${kind}:${path.basename(spec.slice(kind.length + 1))}`;
}
