/** Reader of tar shards in WebDataset form: files that share a name up to its first dot are one example. Archives may be gzipped. */
import path from 'node:path';
import { UserError } from '../../base/errors';
import { ByteReader, readRange } from './byteReader';
import { isImageName, isJunk, passedOver } from './imageFiles';
import { type LabelNeed, labelsAsNeeded, resolveLabels, trainingClasses, type WrittenLabel } from './labels';
import { findShards, splitShards } from './shards';
import type { EncodedSource, Split } from './source';
import { readTar, type TarEntry } from './tar';
import { unpacked } from './unpacked';

/** Keys of a `.json` member that may hold the label, the first that is there counts. */
const LABEL_KEYS = ['label', 'cls', 'class_id', 'class', 'class_name'];
const EXTENSIONS = ['.tar', '.tar.gz', '.tgz'];
/** Bytes of a label. */
const LONGEST = 1 << 16;

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

/** The members that say what an example is, of which the first counts. */
const labelsOf = ({ members }: TarExample): TarEntry[] =>
  ['cls', 'json'].flatMap((extension) => members.get(extension) ?? []);

/** The label of an example as it is written, or null where it has neither `cls` nor a `json` with one. */
function readLabel(reader: ByteReader, { key, members }: TarExample): WrittenLabel {
  const where = `${reader.file}, ${key}`;
  const text = (extension: string, { offset, length }: TarEntry) => {
    if (length > LONGEST) throw new UserError(`${where}.${extension} has ${length} bytes, which is no label`);
    return reader.at(offset, length).toString('utf8');
  };
  const cls = members.get('cls');
  if (cls !== undefined) return text('cls', cls).trim();
  const json = members.get('json');
  if (json === undefined) return null;
  // What the person who made the set wrote besides the label may be long.
  if (json.length > 16 * LONGEST)
    throw new UserError(`${where}.json has ${json.length} bytes, which is no label`);
  let value: unknown;
  try {
    value = JSON.parse(reader.at(json.offset, json.length).toString('utf8'));
  } catch {
    throw new UserError(`${where}.json is not JSON`);
  }
  if (typeof value === 'number') return value;
  if (typeof value !== 'object' || value === null) return null;
  const found = LABEL_KEYS.map((name) => (value as Record<string, unknown>)[name]).find(
    (label) => label !== undefined && label !== null,
  );
  if (found === undefined) return null;
  if (typeof found === 'number' || typeof found === 'string') return found;
  throw new UserError(
    `${where}.json: label ${JSON.stringify(found).slice(0, 40)}, expected a whole number or a name`,
  );
}

/** The member that is the image: of several the one whose extension has no dot, where that is one. */
function imageOf(file: string, { key, members }: TarExample): { image?: TarEntry; masks: TarEntry[] } {
  const images = [...members].filter(([extension]) => isImageName(extension));
  const plain = images.filter(([extension]) => !extension.includes('.'));
  const [chosen] = images.length === 1 ? images : plain;
  if (images.length > 1 && plain.length !== 1)
    throw new UserError(
      `${file}, ${key} has ${images.length} images (${images.map(([name]) => name).join(', ')})`,
    );
  const masks = images.filter((each) => each !== chosen).map(([, entry]) => entry);
  return { image: chosen?.[1], masks };
}

/**
 * Opens tar files: one, all below a folder, or a pattern (`train-{0000..0146}.tar`, `*.tar`). Their headers and labels are
 * read now, images when they are asked for. Labels that are text are sorted by name, those of the training split where it is
 * there.
 * @throws UserError for a shard that is missing or cut off, and, where labels are needed, for examples of which only some have one
 */
export async function openWebdataset(
  spec: string,
  split: Split,
  need: LabelNeed = 'needed',
): Promise<EncodedSource> {
  const shards = splitShards(spec, findShards(spec, EXTENSIONS), split);
  const plain: string[] = [];
  for (const file of shards.files) plain.push(await unpacked(file));
  const shard: number[] = [];
  const offsets: number[] = [];
  const lengths: number[] = [];
  const names: string[] = [];
  const written: WrittenLabel[] = [];
  // The first label that cannot be read: whoever needs none never asks.
  let unreadable: UserError | undefined;
  const beside: string[] = [];
  const others: string[] = [];
  for (const [s, file] of shards.files.entries()) {
    const reader = new ByteReader(plain[s], file);
    try {
      const entries = [...readTar(reader)];
      const used = new Set<TarEntry>();
      for (const example of groupByKey(file, entries)) {
        const { image, masks } = imageOf(file, example);
        for (const mask of masks) {
          used.add(mask);
          beside.push(mask.name);
        }
        if (image === undefined) continue;
        for (const entry of [image, ...labelsOf(example)]) used.add(entry);
        shard.push(s);
        offsets.push(image.offset);
        lengths.push(image.length);
        names.push(image.name);
        try {
          written.push(readLabel(reader, example));
        } catch (error) {
          if (!(error instanceof UserError)) throw error;
          unreadable ??= error;
          written.push(null);
        }
      }
      for (const entry of entries)
        if (!used.has(entry) && !isJunk(path.posix.basename(entry.name))) others.push(entry.name);
    } finally {
      reader.close();
    }
  }
  const where = (index: number) => `${shards.files[shard[index]]}, ${names[index]}`;
  if (names.length === 0) throw new UserError(`${spec} has no image in its tar files`);
  const known = await trainingClasses(shards.split, need, written, () => openWebdataset(spec, 'train'));
  const { found, notes } = labelsAsNeeded(need, () => {
    if (unreadable !== undefined) throw unreadable;
    return resolveLabels(written, where, null, known);
  });
  return {
    kind: 'encoded',
    name: `webdataset:${spec}`,
    split: shards.split,
    length: names.length,
    classes: found && found.classes,
    notes: [
      ...shards.notes,
      ...passedOver(beside, 'images beside the image of an example'),
      ...passedOver(others, 'neither images nor labels'),
      ...notes,
    ],
    bytes: (index) => readRange(plain[shard[index]], offsets[index], lengths[index]),
    label: (index) => found && found.labels[index],
    where,
    key: (index) => `${path.basename(shards.files[shard[index]])}/${names[index]}`,
    storedBytes: (index) => lengths[index],
    close: () => undefined,
  };
}
