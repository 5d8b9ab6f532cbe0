/** What is in a folder, so that two folders can be compared: files by their bytes, but for clocks and what measures time. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import path from 'node:path';
import { eventsOf } from './events';

/** Paths with '/', and what stands there. */
export type Tree = ReadonlyMap<string, string>;

interface Rule {
  readonly file: RegExp;
  /** what of the file is to be the same in every run */
  readonly same: (bytes: Buffer) => string | Buffer;
}

const CLOCKS = /^(images_per_second|data_wait|elapsed_seconds|seconds|milliseconds|date|imagesPerSecond)$/;
const withoutClocks = (text: string): string =>
  JSON.stringify(JSON.parse(text), (key, value: unknown) => (CLOCKS.test(key) ? 0 : value));
const isThere = () => 'present';

const RULES: readonly Rule[] = [
  {
    file: /(^|\/)metrics\.jsonl$/,
    same: (bytes) =>
      bytes
        .toString()
        .split('\n')
        .map((line) => (line === '' ? '' : withoutClocks(line)))
        .join('\n'),
  },
  // pages and tables of times, and pictures of speed
  { file: /(^|\/)(report|profile)\.html$|\.trace\.json$|(^|\/)log\.txt$/, same: isThere },
  { file: /(images-per-second|data-wait)\.(svg|png)$/, same: isThere },
  {
    file: /(\.tuned|profile)\.json$/,
    same: (bytes) => Object.keys(JSON.parse(bytes.toString()) as object).join(),
  },
  { file: /(^|\/)result\.json$/, same: (bytes) => withoutClocks(bytes.toString()) },
];

const hash = (bytes: string | Buffer) => createHash('sha256').update(bytes).digest('hex').slice(0, 16);

function canonical(file: string, bytes: Buffer): string {
  const rule = RULES.find((each) => each.file.test(file));
  try {
    return hash(rule ? rule.same(bytes) : bytes);
  } catch {
    return `unreadable ${hash(bytes)}`;
  }
}

/** Everything below `root`. The event files of a folder count as one, `events`, with what TensorBoard shows of them. */
export function readTree(root: string): Tree {
  const tree = new Map<string, string>();
  const events = new Map<string, Buffer[]>();
  const walk = (folder: string): void => {
    for (const entry of readdirSync(path.join(root, folder), { withFileTypes: true }).sort(byName)) {
      const name = path.posix.join(folder, entry.name);
      const full = path.join(root, name);
      if (entry.isDirectory()) {
        tree.set(name, 'folder');
        walk(name);
      } else if (entry.isSymbolicLink()) tree.set(name, `link to ${readlinkSync(full)}`);
      else if (!entry.isFile()) tree.set(name, 'neither file nor folder');
      else if (entry.name.startsWith('events.out.tfevents.'))
        events.set(folder, [...(events.get(folder) ?? []), readFileSync(full)]);
      else tree.set(name, canonical(name, readFileSync(full)));
    }
  };
  walk('');
  for (const [folder, files] of events) tree.set(path.posix.join(folder, 'events'), hash(eventsOf(files)));
  return tree;
}

const byName = (a: { name: string }, b: { name: string }) => (a.name < b.name ? -1 : 1);

/** `tree` below one of the paths alone. */
export const part = (tree: Tree, paths: readonly string[]): Tree =>
  new Map([...tree].filter(([name]) => paths.some((each) => name === each || name.startsWith(`${each}/`))));

/** How `found` differs from `wanted`; empty: it does not. Of a folder that is in one of them alone, only itself is named. */
export function differences(found: Tree, wanted: Tree): string[] {
  const missing = [...wanted.keys()].filter((name) => !found.has(name));
  const left = [...found.keys()].filter((name) => !wanted.has(name));
  const differing = [...wanted].filter(([name, value]) => found.has(name) && found.get(name) !== value);
  return [
    ...topmost(missing).map((name) => `${name} is missing`),
    ...differing.map(([name]) => `${name} differs`),
    ...topmost(left).map((name) => `${name} is left over`),
  ];
}

/** Without what lies in a folder of the list. */
function topmost(names: readonly string[]): string[] {
  const all = new Set(names);
  return names.filter((name) => !all.has(path.posix.dirname(name)));
}

/** The differences from the nearest of several trees. */
export function nearest(found: Tree, wanted: readonly Tree[]): string[] {
  const all = wanted.map((each) => differences(found, each));
  return all.reduce((best, each) => (each.length < best.length ? each : best));
}

/** What ONNX Runtime itself leaves in the folder of temporary files. */
const OF_THE_RUNTIME = /^(mat-debug-\d+\.log|\.ses|etilqs_\w+)$/;

/** What a command left in its folder of temporary files. */
export const leftIn = (temporary: string): string[] =>
  readdirSync(temporary)
    .filter((name) => !OF_THE_RUNTIME.test(name))
    .map((name) => `$TMPDIR/${name} is left over`);
