/** `selfie export` that Ctrl-C ends: nothing half made stays, here or in the folder of temporary files. */
import { spawn } from 'node:child_process';
import { mkdirSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { repositoryRoot } from '../support/paths';
import { writeSmallRun } from '../support/smallRun';
import { inTemporaryFolder } from '../support/temporary';

test.each(['hub', 'model-repository'])('--to %s', (format) =>
  inTemporaryFolder(async (folder) => {
    const run = path.join(folder, 'pets');
    const place = path.join(folder, 'place');
    mkdirSync(place);
    writeSmallRun(run, 'finetune');
    const args = ['export', run, '--to', format, '--out', path.join(place, 'out')];
    const child = spawn(process.execPath, [path.join(repositoryRoot, 'bin', 'selfie.js'), ...args]);
    const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
    while (readdirSync(place).length === 0 && child.exitCode === null) await wait(2);
    child.kill('SIGINT');
    expect(await ended).toBe(130);
    expect(readdirSync(place)).toEqual([]);
  }),
);
