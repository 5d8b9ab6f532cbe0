/** The quickstart says whether pretraining helped only as far as its figures carry that. */
import { verdict } from '../../src/commands/quickstart';

const of = (accuracy: number, count = 2000) => ({ accuracy, count });

test.each([
  [of(0.8), of(0.7), 'Pretraining helped here: 10.0 points better'],
  [of(0.7), of(0.8), 'Pretraining did harm here: 10.0 points worse'],
  [of(0.71), of(0.7), 'no clear difference here: 1.0 points better'],
  [of(0.7), of(0.71), 'no clear difference here: 1.0 points worse'],
  // the same ten points on 50 images are within chance
  [of(0.8, 50), of(0.7, 50), 'no clear difference'],
  [of(1), of(1), 'no clear difference here: 0.0 points'],
])('%j against %j', (pretrained, scratch, expected) => {
  expect(verdict(pretrained, scratch)).toContain(expected);
});
