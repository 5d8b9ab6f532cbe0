/** All writers, killed before each call that changes anything. */
import { killEverywhere } from '../support/killedWriters';
import { CHANGES, WRITERS } from '../support/writers';

test.each(Object.keys(WRITERS))('%s', async (writer) => {
  expect(await killEverywhere(writer, CHANGES)).toBeGreaterThan(1);
});
