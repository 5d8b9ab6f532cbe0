/** The readers that `--data` names. */
import { statSync } from 'node:fs';
import { shownName, UserError } from '../../base/errors';
import { openBuiltin } from './builtin';
import { openCifar10, openCifar100, openCifar100Coarse } from './cifar';
import { openFolder, openImagenet, openImages } from './folder';
import type { LabelNeed } from './labels';
import { openImagenet32 } from './imagenet32';
import { openPacked } from './packed';
import { openParquet } from './parquet';
import { openWebdataset } from './webdataset';
import type { Source, Split } from './source';

interface Reader {
  /** what follows `name:` in a spec; null: nothing does */
  readonly argument: string | null;
  open(argument: string, split: Split, labels: LabelNeed): Source | Promise<Source>;
}

const READERS: Readonly<Record<string, Reader>> = {
  embedded: { argument: null, open: (_argument, split) => openBuiltin(split) },
  cifar10: { argument: 'PATH', open: openCifar10 },
  cifar100: { argument: 'PATH', open: openCifar100 },
  'cifar100-coarse': { argument: 'PATH', open: openCifar100Coarse },
  imagenet32: { argument: 'PATH', open: openImagenet32 },
  imagenet: { argument: 'PATH', open: openImagenet },
  folder: { argument: 'PATH', open: openFolder },
  images: { argument: 'PATH', open: openImages },
  webdataset: { argument: 'PATH', open: openWebdataset },
  parquet: { argument: 'PATH', open: openParquet },
  packed: { argument: 'FILE', open: openPacked },
};

/** `embedded`, `cifar10:PATH`, ...: what `openSource` takes. */
export const SOURCE_FORMS: readonly string[] = Object.entries(READERS).map(([name, { argument }]) =>
  argument === null ? name : `${name}:${argument}`,
);

/**
 * `given`, or for the bare path of a folder the form that takes every image below it.
 * @throws UserError for what is neither
 */
export function sourceOf(given: string): string {
  const [name] = given.split(':', 1);
  const isFolder = statSync(given, { throwIfNoEntry: false })?.isDirectory() ?? false;
  // a folder that happens to have a reader's name
  const isIncomplete = name === given && READERS[name]?.argument !== null;
  if (Object.hasOwn(READERS, name) && !(isFolder && isIncomplete)) return given;
  if (isFolder) return `images:${given}`;
  throw new UserError(`${given} is no folder; give a folder of images or one of: ${SOURCE_FORMS.join(', ')}`);
}

/**
 * Opens the data that `spec` names (a form of `SOURCE_FORMS`). The same spec and split give the same
 * images in the same order everywhere, so a worker thread opens its own.
 * @param labels optional: where they cannot be used, there are none, and `notes` says why
 * @throws UserError for an unknown kind, a path that is not there, or data that is not what it should be
 */
export async function openSource(spec: string, split: Split, labels: LabelNeed = 'needed'): Promise<Source> {
  const colon = spec.indexOf(':');
  const name = colon < 0 ? spec : spec.slice(0, colon);
  const argument = colon < 0 ? '' : spec.slice(colon + 1);
  if (!Object.hasOwn(READERS, name)) {
    throw new UserError(`unknown data source '${spec}'; use one of: ${SOURCE_FORMS.join(', ')}`);
  }
  const reader = READERS[name];
  if ((reader.argument === null) !== (argument === '')) {
    const form = reader.argument === null ? name : `${name}:${reader.argument}`;
    throw new UserError(`data source '${spec}' is incomplete or has too much; write ${form}`);
  }
  return withShownClasses(await reader.open(argument, split, labels));
}

/**
 * Class names as they are shown everywhere, in tables, pictures and files of labels.
 * @throws UserError for two that look the same then
 */
function withShownClasses<S extends Source>(source: S): S {
  const classes = source.classes?.map(shownName);
  if (!classes || classes.every((name, label) => name === source.classes?.[label])) return source;
  const [twice] = classes.filter((name, label) => classes.indexOf(name) !== label);
  if (twice !== undefined) {
    source.close();
    throw new UserError(`${source.name}: two classes are shown as ${twice}; rename one of them`);
  }
  return { ...source, classes };
}
