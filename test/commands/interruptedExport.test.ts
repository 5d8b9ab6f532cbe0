/** `selfie export` that Ctrl-C or a closed terminal ends: nothing half made stays, here or in the folder of temporary files. */
import { mkdirSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { stoppedSelfie } from '../support/selfie';
import { writeSmallRun } from '../support/smallRun';
import { inTemporaryFolder } from '../support/temporary';

test.each([
  ['hub', 'SIGINT'],
  ['hub', 'SIGHUP'],
  ['model-repository', 'SIGTERM'],
] as const)('--to %s, %s', (format, by) =>
  inTemporaryFolder((folder) => {
    const run = path.join(folder, 'pets');
    const place = path.join(folder, 'place');
    mkdirSync(place);
    writeSmallRun(run, 'finetune');
    const args = ['export', run, '--to', format, '--out', path.join(place, 'out')];
    // when the first file of the export has its name
    expect(stoppedSelfie({ by, at: /renamed .*place/ }, args)).toMatchObject({
      signal: by,
      stdout: '',
    });
    expect(readdirSync(place)).toEqual([]);
  }),
);
