/** Which files a data set of many files consists of, and which of them are for training. */
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { UserError } from '../../base/errors';
import { isFolder } from './folderListing';
import { passedOver } from './imageFiles';
import { AbsentSplit, type Split } from './source';
import { SPLIT_NAMES } from './splitNames';

/** `{a,b}` and `{000..012}` written out. */
export function expandBraces(pattern: string): string[] {
  const match = /^(.*?)\{([^{}]*)\}(.*)$/s.exec(pattern);
  if (match === null) return [pattern];
  const [, before, inside, after] = match;
  const range = /^(\d+)\.\.(\d+)$/.exec(inside);
  let choices = inside.split(',');
  if (range !== null) {
    const [first, last] = [Number(range[1]), Number(range[2])];
    if (last - first > 1_000_000) throw new UserError(`${pattern}: {${inside}} is more than a million files`);
    choices = Array.from({ length: Math.max(0, last - first + 1) }, (_, i) =>
      String(first + i).padStart(range[1].length, '0'),
    );
  }
  return choices.flatMap((choice) => expandBraces(`${before}${choice}${after}`));
}

function listBelow(directory: string, extensions: readonly string[]): string[] {
  return readdirSync(directory, { withFileTypes: true })
    .filter((entry) => !entry.name.startsWith('.'))
    .flatMap((entry) => {
      const file = path.join(directory, entry.name);
      if (entry.isDirectory()) return listBelow(file, extensions);
      return extensions.some((extension) => entry.name.endsWith(extension)) ? [file] : [];
    });
}

/** `*` and `?` in the last part of a path. */
function matching(pattern: string): string[] {
  const directory = path.dirname(pattern);
  if (/[*?]/.test(directory)) throw new UserError(`${pattern}: * and ? may stand in the last part only`);
  if (!isFolder(directory)) return [];
  const source = path
    .basename(pattern)
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  const expression = new RegExp(`^${source}$`);
  return readdirSync(directory)
    .filter((name) => expression.test(name))
    .map((name) => path.join(directory, name));
}

/**
 * The files that `spec` means, in order of their names: a file, everything below a folder that ends in one of `extensions`, or a
 * pattern with `*`, `?`, `{a,b}` and `{000..012}`.
 * @throws UserError where there are none or one that is written out is missing
 */
export function findShards(spec: string, extensions: readonly string[]): string[] {
  const files = expandBraces(spec).flatMap((part) => {
    if (isFolder(part)) return listBelow(part, extensions);
    if (/[*?]/.test(part) && !existsSync(part)) return matching(part);
    if (!existsSync(part)) throw new UserError(`${part} is not there`);
    return [part];
  });
  if (files.length === 0) throw new UserError(`${spec} has no ${extensions[0]} file`);
  return [...new Set(files)].sort();
}

const word = (name: string) => new RegExp(`(^|[^a-z])${name}([^a-z]|$)`, 'i');

export interface SplitShards {
  readonly files: readonly string[];
  readonly split: Split | 'all';
  readonly notes: readonly string[];
}

/**
 * The files of a split, by the words of `SPLIT_NAMES` in their paths below `root` (validation before test); where none has such
 * a word, all of them for either split.
 * @throws AbsentSplit where only the other split has files; UserError where some are called by one word and some by another that
 * means the same
 */
export function splitShards(root: string, files: readonly string[], split: Split): SplitShards {
  const below = isFolder(root) ? root : path.dirname(root);
  const calledBy = (name: string) => files.filter((file) => word(name).test(path.relative(below, file)));
  const rows = (of: Split) =>
    SPLIT_NAMES[of].map((names) => together(root, names, calledBy)).filter((found) => found.length > 0);
  const [own, ...more] = rows(split);
  if (own !== undefined)
    return { files: own, split, notes: passedOver(more.flat(), `not the ${split} images`) };
  if (rows(split === 'train' ? 'test' : 'train').length === 0) return { files, split: 'all', notes: [] };
  throw new AbsentSplit(
    `${root} has files of ${split === 'train' ? 'validation or test' : 'training'} only, none for its ${split} images`,
  );
}

/** The files of a row of names, of which one has to call all of them. */
function together(
  root: string,
  names: readonly string[],
  calledBy: (name: string) => readonly string[],
): readonly string[] {
  const found = names
    .map((name) => ({ name, files: calledBy(name) }))
    .filter(({ files }) => files.length > 0);
  const all = [...new Set(found.flatMap(({ files }) => files))].sort();
  if (found.length === 0 || found.some(({ files }) => files.length === all.length)) return all;
  throw new UserError(
    `${root} has files called ${found.map(({ name }) => name).join(' and ')}, which mean the same split; rename or move some of them`,
  );
}

/** A label above is an identifier, not a class. */
const MOST_CLASSES = 1_000_000;

/**
 * Class names for labels that come without: their numbers.
 * @throws UserError naming where a label is not a whole number from 0 on
 */
export function numberedClasses(
  labels: ArrayLike<number>,
  where: (index: number) => string,
): readonly string[] {
  let largest = -1;
  for (let i = 0; i < labels.length; i++) {
    if (!Number.isSafeInteger(labels[i]) || labels[i] < 0) {
      throw new UserError(`${where(i)}: label ${labels[i]}, expected a whole number from 0 on`);
    }
    if (labels[i] >= MOST_CLASSES)
      throw new UserError(
        `${where(i)}: label ${labels[i]}, expected one below ${MOST_CLASSES}: is it no class?`,
      );
    largest = Math.max(largest, labels[i]);
  }
  return Array.from({ length: largest + 1 }, (_, i) => String(i));
}
