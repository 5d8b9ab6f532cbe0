/** What a program has the file system do, in order: writes, syncs and renames, by the names of the files. */
import fs from 'node:fs';
import path from 'node:path';

/** The file's name; that of a temporary one without its random part; a folder ends with a slash. */
const nameOf = (file: string) =>
  path.basename(file).replace(/\.\d+-\d*-[0-9a-f]{8}-[0-9a-f]{8}\.tmp$/, '.tmp') +
  (fs.statSync(file).isDirectory() ? '/' : '');

/** Runs `body`; `write a`, `sync a`, `rename a b`, several writes of one file in a row as one. */
export async function fileEvents(body: () => unknown): Promise<string[]> {
  const events: string[] = [];
  const names = new Map<number, string>();
  const note = (event: string) => {
    if (events.at(-1) !== event) events.push(event);
  };
  const { openSync, writeSync, fsyncSync, renameSync } = fs;
  jest.spyOn(fs, 'openSync').mockImplementation((file, ...how) => {
    const fd = openSync(file, ...how);
    names.set(fd, nameOf(String(file)));
    return fd;
  });
  jest.spyOn(fs, 'writeSync').mockImplementation((...given: unknown[]) => {
    note(`write ${names.get(given[0] as number)}`);
    return (writeSync as (...given: unknown[]) => number)(...given);
  });
  jest.spyOn(fs, 'fsyncSync').mockImplementation((fd) => {
    note(`sync ${names.get(fd)}`);
    fsyncSync(fd);
  });
  jest.spyOn(fs, 'renameSync').mockImplementation((from, to) => {
    note(`rename ${nameOf(String(from))} ${path.basename(String(to))}`);
    renameSync(from, to);
  });
  try {
    await body();
  } finally {
    jest.restoreAllMocks();
  }
  return events;
}
