/** How a tree of files is damaged: names, places and kinds of its entries. */
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import type { Random } from '../../../src/base/random';

const NAMES = [
  'valid',
  'TRAIN',
  'val',
  'Test',
  'a\nb',
  '\u001b[31mred',
  '.hidden',
  '__MACOSX',
  'Thumbs.db',
  'x.jpg',
  'x.JPG',
  'x.txt',
  ' ',
  '%2e%2e',
  '名前',
  'a'.repeat(250),
  '1',
  'constructor',
];

type Change = (entry: string, name: string) => void;

const beside = (entry: string, name: string) => path.join(path.dirname(entry), name);
const remove = (entry: string) => rmSync(entry, { recursive: true });

const CHANGES: Readonly<Record<string, Change>> = {
  renamed: (entry, name) => renameSync(entry, beside(entry, name)),
  removed: remove,
  'now a text': (entry) => {
    remove(entry);
    writeFileSync(entry, 'text');
  },
  'now an empty folder': (entry) => {
    remove(entry);
    mkdirSync(entry);
  },
  'beside it an empty folder': (entry, name) => mkdirSync(beside(entry, name)),
  'beside it an empty file': (entry, name) => writeFileSync(beside(entry, name), ''),
  copied: (entry, name) => cpSync(entry, beside(entry, name), { recursive: true }),
  'beside it a link to nowhere': (entry, name) => symlinkSync('/nowhere', beside(entry, name)),
  'beside it a link to its folder': (entry, name) => symlinkSync('.', beside(entry, name)),
  'now a pipe': (entry) => {
    remove(entry);
    spawnSync('mkfifo', [entry]);
  },
  'now a link to itself': (entry) => {
    remove(entry);
    symlinkSync(entry, entry);
  },
  unreadable: (entry) => chmodSync(entry, 0),
};

/** Makes a few changes of the entries below `root`. Returns them in words. */
export function damageNames(root: string, random: Random): string {
  const done: string[] = [];
  const changes = Object.entries(CHANGES);
  for (let i = 1 + random.integer(3); i > 0; i--) {
    const entries = readdirSync(root, { recursive: true, encoding: 'utf8' }).sort();
    if (entries.length === 0) break;
    const entry = entries[random.integer(entries.length)];
    const [what, change] = changes[random.integer(changes.length)];
    const name = NAMES[random.integer(NAMES.length)];
    try {
      change(path.join(root, entry), name);
      done.push(`${entry} ${what} (${JSON.stringify(name)})`);
    } catch {
      // such a change is not possible there
    }
  }
  return done.join('; ');
}
