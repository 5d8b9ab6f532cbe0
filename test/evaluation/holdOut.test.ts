/** A part of labelled images set apart. */
import { holdOut } from '../../src/evaluation/holdOut';

test('held-out images: balanced, from the seed, never a whole class', () => {
  const labels = Int32Array.from({ length: 103 }, (_, i) => (i < 100 ? i % 2 : i < 102 ? 2 : 3));
  const { kept, held } = holdOut(labels, 0.2, 5);
  expect(Array.from([...kept, ...held].sort((a, b) => a - b))).toEqual(Array.from(labels.keys()));
  const of = (label: number) => Array.from(held).filter((at) => labels[at] === label).length;
  expect([0, 1, 2, 3].map(of)).toEqual([10, 10, 1, 0]);
  expect(holdOut(labels, 0.2, 5)).toEqual({ kept, held });
  expect(holdOut(labels, 0.2, 6).held).not.toEqual(held);
});
