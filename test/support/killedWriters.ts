/**
 * Writers that are killed before each of some calls of the file system: old or new is there, whole, and the next writer leaves
 * nothing behind.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { clearLeft } from '../../src/base/aside';
import { snapshot } from './snapshot';
import { inTemporaryFolder } from './temporary';
import { fill, WRITERS } from './writers';

const PROGRAM = require.resolve('./writers');

/** Whether it was killed. */
function runKilled(writer: string, folder: string, call: number, calls: readonly string[]): boolean {
  const args = [PROGRAM, writer, folder, String(call), calls.join(',')];
  const { status, signal, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  if (signal !== 'SIGKILL' && status !== 0) throw new Error(stderr);
  return signal === 'SIGKILL';
}

const contents = (folder: string) => Object.fromEntries(snapshot(folder));
const text = (files: Readonly<Record<string, string>>) => JSON.stringify(Object.entries(files).sort());

/** Resolves to how often it was killed. */
export async function killEverywhere(name: string, calls: readonly string[]): Promise<number> {
  const { old, made, write } = WRITERS[name];
  let kills = -1;
  let isKilled = true;
  const found = new Set<string>();
  while (isKilled) {
    kills++;
    await inTemporaryFolder(async (folder) => {
      fill(folder, old);
      isKilled = runKilled(name, folder, kills + 1, calls);
      // as whoever reads there does
      clearLeft(folder);
      const there = text(contents(folder));
      expect([text(old), text(made)]).toContain(there);
      found.add(there);
      await write(folder);
      expect(contents(folder)).toEqual(made);
      const names = new Set(Object.keys(made).map((file) => file.split('/')[0]));
      expect(readdirSync(folder).sort()).toEqual([...names].sort());
    });
  }
  expect(found.size).toBe(2);
  return kills;
}
