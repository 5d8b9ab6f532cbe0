/** `selfie export` that Ctrl-C ends: nothing half made stays, here or in the folder of temporary files. */
import { mkdirSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { stoppedSelfie } from '../support/selfie';
import { writeSmallRun } from '../support/smallRun';
import { inTemporaryFolder } from '../support/temporary';

test.each(['hub', 'model-repository'])('--to %s', (format) =>
  inTemporaryFolder((folder) => {
    const run = path.join(folder, 'pets');
    const place = path.join(folder, 'place');
    mkdirSync(place);
    writeSmallRun(run, 'finetune');
    const args = ['export', run, '--to', format, '--out', path.join(place, 'out')];
    // when the first file of the export has its name
    expect(stoppedSelfie({ by: 'SIGINT', at: /renamed .*place/ }, args)).toMatchObject({
      code: 130,
      stdout: '',
    });
    expect(readdirSync(place)).toEqual([]);
  }),
);
