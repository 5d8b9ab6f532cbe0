/** Reader of tar shards in WebDataset form: files that share a name up to its first dot are one example. */
import path from 'node:path';
import { UserError } from '../../base/errors';
import { ByteReader, readRange } from './byteReader';
import { findShards, numberedClasses, splitShards } from './shards';
import type { EncodedSource, Split } from './source';
import { readTar, type TarEntry } from './tar';

const IMAGE = /(^|\.)(jpe?g|png|webp)$/;
/** Keys of a `.json` member that may hold the label, the first that is there counts. */
const LABEL_KEYS = ['label', 'cls', 'class_id', 'class'];

export interface TarExample {
  readonly key: string;
  /** by what follows the first dot of the name, in small letters */
  readonly members: ReadonlyMap<string, TarEntry>;
}

/**
 * Entries grouped by key, in the order of first appearance.
 * @throws UserError for two files of one name
 */
export function groupByKey(file: string, entries: Iterable<TarEntry>): TarExample[] {
  const examples = new Map<string, Map<string, TarEntry>>();
  for (const entry of entries) {
    const [, key, extension] = /^((?:.*\/)?[^/.]+)\.([^/]+)$/s.exec(entry.name) ?? [];
    if (key === undefined) continue;
    const members = examples.get(key) ?? new Map<string, TarEntry>();
    examples.set(key, members);
    const name = extension.toLowerCase();
    if (members.has(name)) throw new UserError(`${file} has ${key}.${name} more than once`);
    members.set(name, entry);
  }
  return Array.from(examples, ([key, members]) => ({ key, members }));
}

/** The label of an example, or null where it has neither `cls` nor a `json` with one. */
function readLabel(reader: ByteReader, { key, members }: TarExample): number | null {
  const text = (entry: TarEntry) => reader.at(entry.offset, entry.length).toString('utf8');
  const where = `${reader.file}, ${key}`;
  const cls = members.get('cls');
  if (cls !== undefined) {
    const written = text(cls).trim();
    if (/^\d+$/.test(written)) return Number(written);
    throw new UserError(`${where}.cls: '${written.slice(0, 40)}', expected a whole number`);
  }
  const json = members.get('json');
  if (json === undefined) return null;
  let value: unknown;
  try {
    value = JSON.parse(text(json));
  } catch {
    throw new UserError(`${where}.json is not JSON`);
  }
  if (typeof value === 'number') return value;
  if (typeof value !== 'object' || value === null) return null;
  const found = LABEL_KEYS.map((name) => (value as Record<string, unknown>)[name]).find(
    (label) => label !== undefined,
  );
  if (found === undefined) return null;
  if (typeof found === 'number') return found;
  throw new UserError(`${where}.json: label ${JSON.stringify(found)}, expected a whole number`);
}

/**
 * Opens tar files: one, all below a folder, or a pattern (`train-{0000..0146}.tar`, `*.tar`). Their headers and labels are
 * read now, images when they are asked for.
 * @throws UserError for a shard that is missing, cut off or compressed, and for examples of which only some have a label
 */
export function openWebdataset(spec: string, split: Split): EncodedSource {
  const shards = splitShards(spec, findShards(spec, '.tar'), split);
  const shard: number[] = [];
  const offsets: number[] = [];
  const lengths: number[] = [];
  const names: string[] = [];
  const labels: (number | null)[] = [];
  for (const [s, file] of shards.files.entries()) {
    const reader = new ByteReader(file);
    try {
      for (const example of groupByKey(file, readTar(reader))) {
        const images = [...example.members].filter(([extension]) => IMAGE.test(extension));
        if (images.length === 0) continue;
        if (images.length > 1) throw new UserError(`${file}, ${example.key} has ${images.length} images`);
        const [[, image]] = images;
        shard.push(s);
        offsets.push(image.offset);
        lengths.push(image.length);
        names.push(image.name);
        labels.push(readLabel(reader, example));
      }
    } finally {
      reader.close();
    }
  }
  const where = (index: number) => `${shards.files[shard[index]]}, ${names[index]}`;
  if (names.length === 0) throw new UserError(`${spec} has no JPEG, PNG or WebP image in its tar files`);
  const unlabelled = labels.indexOf(null);
  const known = labels.filter((label) => label !== null);
  if (unlabelled >= 0 && known.length > 0) {
    throw new UserError(`${where(unlabelled)} has no label (.cls or .json), and others have`);
  }
  return {
    kind: 'encoded',
    name: `webdataset:${spec}`,
    split: shards.split,
    length: names.length,
    classes: known.length === 0 ? null : numberedClasses(known, where),
    bytes: (index) => readRange(shards.files[shard[index]], offsets[index], lengths[index]),
    label: (index) => labels[index],
    where,
    key: (index) => `${path.basename(shards.files[shard[index]])}/${names[index]}`,
    storedBytes: (index) => lengths[index],
    close: () => undefined,
  };
}
