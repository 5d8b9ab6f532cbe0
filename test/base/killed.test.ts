/** Writers that are killed before each change of a name. */
import { killEverywhere } from '../support/killedWriters';
import { NAMING } from '../support/writers';

test.each([
  ['a file', 1],
  ['two files', 4],
  ['a folder', 3],
  ['a folder that goes', 2],
])('%s', async (writer, kills) => {
  expect(await killEverywhere(writer, NAMING)).toBeGreaterThanOrEqual(kills);
});
