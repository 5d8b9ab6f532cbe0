/**
 * What writes files and folders, for tests that kill it; as a program (`node writers.js WRITER FOLDER N CALLS`) it runs one and is
 * killed before its N-th call of CALLS (functions of node:fs, with commas).
 */
import fs, { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { replaceFile, writeFileAtomic } from '../../src/base/files';
import { stage } from '../../src/base/staging';
import { removeWhole } from '../../src/base/temporary';
import { replaceFolder } from '../../src/export/folder';
import { finishPublished, makeStage, publish } from '../../src/export/repository/publish';

export interface Writer {
  /** what is there before, by path */
  readonly old: Readonly<Record<string, string>>;
  /** what is there afterwards */
  readonly made: Readonly<Record<string, string>>;
  readonly write: (folder: string) => void | Promise<void>;
}

export function fill(folder: string, files: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    writeFileSync(path.join(folder, name), text);
  }
}

const HUB_LIST = `${JSON.stringify({ format: 'hub', files: ['a', 'b/c', 'selfie-export.json'] }, null, 2)}\n`;
const REPOSITORY = {
  'repository/a/1/model': 'a1',
  'repository/a/labels': 'one',
  'repository/b/1/model': 'b1',
};

export const WRITERS: Readonly<Record<string, Writer>> = {
  'a new file': {
    old: {},
    made: { file: 'new' },
    write: (folder) => writeFileAtomic(path.join(folder, 'file'), [Buffer.from('ne'), Buffer.from('w')]),
  },
  'a file': {
    old: { file: 'old' },
    made: { file: 'new' },
    write: (folder) => writeFileAtomic(path.join(folder, 'file'), 'new'),
  },
  'a file that takes long': {
    old: { file: 'old' },
    made: { file: 'new' },
    write: (folder) =>
      replaceFile(path.join(folder, 'file'), (temporary) => {
        writeFileSync(temporary, 'new');
        return Promise.resolve();
      }),
  },
  'two files': {
    old: { 'rows.csv': 'old', 'rows.npy': 'old' },
    made: { 'rows.csv': 'new', 'rows.npy': 'new' },
    write: (folder) =>
      stage(path.join(folder, 'rows.npy'), (staging) => {
        fill(staging.folder, { 'rows.csv': 'new', 'rows.npy': 'new' });
        staging.commit(['rows.csv', 'rows.npy'].map((name) => [name, path.join(folder, name)]));
      }),
  },
  'two new files': {
    old: {},
    made: { 'rows.csv': 'new', 'rows.npy': 'new' },
    write: (folder) => WRITERS['two files'].write(folder),
  },
  'a folder': {
    old: { 'graph/a': 'old', 'graph/gone': 'old' },
    made: { 'graph/a': 'new', 'graph/b': 'new' },
    write: (folder) =>
      stage(path.join(folder, 'graph'), (staging) => {
        fill(staging.inside('new'), { a: 'new', b: 'new' });
        staging.commit([['new', path.join(folder, 'graph')]]);
      }),
  },
  'an export that is a folder': {
    old: { 'hub/a': 'old', 'hub/b/c': 'old', 'hub/selfie-export.json': HUB_LIST },
    made: { 'hub/a': 'new', 'hub/b/c': 'new', 'hub/selfie-export.json': HUB_LIST },
    write: (folder) =>
      replaceFolder(path.join(folder, 'hub'), 'hub', (inside) => {
        fill(inside, { a: 'new', 'b/c': 'new' });
        return Promise.resolve();
      }),
  },
  'a version of two models and a new one': {
    old: REPOSITORY,
    made: {
      ...REPOSITORY,
      'repository/a/labels': 'two',
      'repository/a/2/model': 'a2',
      'repository/b/2/model': 'b2',
      'repository/c/2/model': 'c2',
      'repository/config': 'all',
    },
    write: (folder) => {
      const repository = path.join(folder, 'repository');
      finishPublished(repository);
      const made = makeStage(repository);
      fill(made.folder, {
        'a/2/model': 'a2',
        'a/labels': 'two',
        'b/2/model': 'b2',
        'c/2/model': 'c2',
        config: 'all',
      });
      publish(made, repository, ['a', 'b', 'c'], '2');
      made.staging.close();
    },
  },
  'a folder that goes': {
    old: { 'rows.partial/state': 'old', 'rows.partial/part': 'old' },
    made: {},
    write: (folder) => removeWhole(path.join(folder, 'rows.partial')),
  },
};

/** What gives, changes or removes a name. */
export const NAMING = ['renameSync', 'linkSync', 'rmSync'] as const;
export const CHANGES = [
  ...NAMING,
  'openSync',
  'writeSync',
  'fsyncSync',
  'closeSync',
  'mkdirSync',
  'writeFileSync',
] as const;

function killBefore(number: number, calls: readonly string[]): void {
  let left = number;
  for (const name of CHANGES) {
    if (!calls.includes(name)) continue;
    const original = fs[name] as (...given: unknown[]) => unknown;
    Object.assign(fs, {
      [name]: (...given: unknown[]) => {
        if (--left === 0) process.kill(process.pid, 'SIGKILL');
        return original(...given);
      },
    });
  }
}

if (require.main === module) {
  const [writer, folder, number, calls] = process.argv.slice(2);
  killBefore(Number(number), calls.split(','));
  void WRITERS[writer].write(folder);
}
