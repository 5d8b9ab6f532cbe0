/** The training bundle is portable: Python and a browser train it by its manifest as Node does, where both are installed. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { CHROMIUM } from '../../tools/verify/portable/browser';
import { checkPortable, SLOW } from '../../tools/verify/portable/check';
import { differences } from '../../tools/verify/portable/differences';
import { trainInPython } from '../../tools/verify/portable/run';
import { exampleCase, SCHEDULES } from '../support/exampleRuns';
import { repositoryRoot } from '../support/paths';
import { selfie } from '../support/selfie';
import { inTemporaryFolder } from '../support/temporary';

const python = process.env.SELFIE_PYTHON ?? 'python3';
const packages = spawnSync(python, ['-c', 'import numpy, onnxruntime, safetensors']).status === 0;
const there = packages && existsSync(CHROMIUM);
// jest says nothing of a suite that is skipped as a whole
if (!there)
  process.stderr.write(
    `skipped: needs ${CHROMIUM} (or CHROMIUM) and onnxruntime, numpy, safetensors in ${python} (or SELFIE_PYTHON)\n`,
  );

const TINY = ['network.width=4', 'batch=8', 'pooling.dropout=0.1', 'average.decay=0.99'];

(there ? test : test.skip).each(['embedded-pretrain', 'embedded-finetune'])(
  '%s: one step and 100 steps in Node, Python and the browser',
  (recipe) =>
    inTemporaryFolder(async (folder) => {
      const directory = path.join(folder, 'run');
      const set = TINY.flatMap((each) => ['--set', each]);
      expect(selfie(['build-graph', recipe, '--out', directory, ...set])).toMatchObject({ code: 0 });
      const where = { directory, folder, python, chromium: CHROMIUM };
      const options = { ...where, data: 'embedded', steps: 100, rate: SLOW };
      const rows = [];
      for await (const row of checkPortable(repositoryRoot, options, () => undefined)) rows.push(row);
      expect(rows.map(({ runtime, steps, passed }) => [runtime, steps, passed])).toEqual(
        [1, 100].flatMap((steps) => [
          ['Node, start moved by a rounding', steps, null],
          ['Python', steps, true],
          ['browser (WASM)', steps, true],
        ]),
      );
      // after one step there is nothing yet that could amplify a rounding
      for (const { steps, found } of rows) if (steps === 1) expect(found.loss).toBeLessThan(1e-5);
    }),
);

(packages ? test : test.skip).each(SCHEDULES)('Python with a schedule of its own: %j', (schedule) =>
  inTemporaryFolder(async (folder) => {
    const { bundle, expected } = await exampleCase(folder, schedule, 20);
    const found = differences(await trainInPython(repositoryRoot, python, bundle, folder, 20), expected);
    expect(Math.max(found.loss, found.largest)).toBeLessThan(1e-5);
  }),
);
