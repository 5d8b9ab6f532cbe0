/** What dead processes left half made, and what is not theirs. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { asideOf, clearLeft } from '../../src/base/aside';
import { inTemporaryFolder } from '../support/temporary';

const asideFile = require.resolve('../../src/base/aside');

/** Makes a file aside and waits. */
const MAKE = `
  const place = require(${JSON.stringify(asideFile)}).asideOf(process.argv[1]);
  require('node:fs').writeFileSync(place, 'half');
  process.stdout.write(place);
  setInterval(() => {}, 1000);`;

test('what a process makes stays while it runs, and goes when it was killed', () =>
  inTemporaryFolder(async (folder) => {
    const child = spawn(process.execPath, ['-e', MAKE, path.join(folder, 'file')], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [made] = (await once(child.stdout, 'data')) as [Buffer];
    const others = ['file', 'file.tmp', 'file.1234-0000abcd.tmp', 'file.1-1.tmp'];
    for (const name of others) writeFileSync(path.join(folder, name), '');
    const own = asideOf(path.join(folder, 'file'));
    mkdirSync(own);
    clearLeft(folder);
    const names = [...others, path.basename(made.toString()), path.basename(own)];
    expect(readdirSync(folder).sort()).toEqual(names.sort());
    child.kill('SIGKILL');
    await once(child, 'exit');
    clearLeft(folder);
    expect(readdirSync(folder).sort()).toEqual([...others, path.basename(own)].sort());
  }));

test('no two names are the same', () => {
  expect(asideOf('a')).not.toBe(asideOf('a'));
  expect(asideOf('a')).toMatch(new RegExp(`^a\\.${process.pid}-\\d*-[0-9a-f]{8}-[0-9a-f]{8}\\.tmp$`));
});

test('of another machine, whose processes cannot be asked, what was touched today stays', () =>
  inTemporaryFolder((folder) => {
    const name = (random: string) => `out.17-99-00000000-${random}.tmp`;
    const [old, busy, young] = ['aaaaaaaa', 'bbbbbbbb', 'cccccccc'].map(name);
    const yesterday = Date.now() / 1000 - 25 * 60 * 60;
    for (const each of [old, busy, young]) mkdirSync(path.join(folder, each));
    writeFileSync(path.join(folder, busy, 'written'), 'today');
    for (const each of [old, busy]) utimesSync(path.join(folder, each), yesterday, yesterday);
    clearLeft(folder);
    expect(readdirSync(folder).sort()).toEqual([busy, young]);
  }));

test('a folder that is not there, or cannot be read, is no error', () => {
  clearLeft('/nowhere/at/all');
  clearLeft(asideFile);
});
