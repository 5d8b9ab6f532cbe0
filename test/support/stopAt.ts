/**
 * Preloaded into a process (`node --require`): sends it $STOP_SIGNAL when it does the $STOP_COUNT-th thing with a file that
 * $STOP_AT, a regular expression, matches: `write FILE`, `rename FILE` (to that name, just before), `renamed FILE`.
 */
import fs from 'node:fs';

const { STOP_AT = '', STOP_COUNT, STOP_SIGNAL } = process.env;
const at = new RegExp(STOP_AT);
let left = Number(STOP_COUNT);
const names = new Map<number, string>();

function note(event: string): void {
  if (at.test(event) && --left === 0) process.kill(process.pid, STOP_SIGNAL);
}

const { openSync, writeSync, renameSync } = fs;
Object.assign(fs, {
  openSync: (...given: Parameters<typeof openSync>) => {
    const fd = openSync(...given);
    names.set(fd, String(given[0]));
    return fd;
  },
  writeSync: (...given: unknown[]) => {
    note(`write ${names.get(given[0] as number)}`);
    return (writeSync as (...given: unknown[]) => number)(...given);
  },
  renameSync: (from: string, to: string) => {
    note(`rename ${to}`);
    renameSync(from, to);
    note(`renamed ${to}`);
  },
});
