/** Every recipe of the package builds exactly as it is, the 224 x 224 ones at batch 1024 among them, in bounded memory. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { recipes } from '../../graphs/recipes';
import { loadRecipe } from '../../graphs/recipes/load';
import { readBundle } from '../../src/bundle/read';
import { repositoryRoot } from '../support/paths';
import { selfie } from '../support/selfie';
import { inTemporaryFolder } from '../support/temporary';

/** Of one build; the largest takes 1.3 GiB. Against lists of JavaScript numbers as long as the data. */
const MOST_BYTES = 2 * 2 ** 30;
/** Against what never ends: the largest build takes 20 s on two idle cores. */
const MOST_MILLISECONDS = 300_000;

const peakMemory = path.join(repositoryRoot, 'dist/test/support/peakMemory.js');

test.each([...recipes.keys()])(
  '%s',
  async (name) => {
    await inTemporaryFolder((folder) => {
      const out = path.join(folder, 'run');
      const peak = path.join(folder, 'peak');
      const { code, stderr } = selfie(['build-graph', name, '--out', out], {
        NODE_OPTIONS: `--require=${peakMemory}`,
        PEAK_MEMORY: peak,
      });
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(readBundle(out).manifest.recipe).toEqual(loadRecipe(name).recipe);
      expect(Number(readFileSync(peak, 'utf8'))).toBeLessThan(MOST_BYTES);
    });
  },
  MOST_MILLISECONDS,
);
