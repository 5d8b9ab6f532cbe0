/** Weighted kNN against numpy, and where its answer is known. */
import { nearest, vote } from '../../src/evaluation/knn';
import { distance, oracle } from './oracle';

test('neighbours, similarities and votes are numpy’s', async () => {
  const [k, temperature, classes] = oracle.numbers('knn/settings');
  const found = await nearest(oracle.rows('knn/bank'), oracle.rows('knn/queries'), k, 1);
  expect(Array.from(found.indices)).toEqual(oracle.numbers('knn/indices'));
  expect(distance(found.similarities, oracle.numbers('knn/similarities'))).toBeLessThan(1e-6);
  const predictions = vote(found, oracle.labels('knn/labels'), classes, temperature);
  expect(Array.from(predictions)).toEqual(oracle.numbers('knn/predictions'));
});

test('separable clusters are told apart without an error, more queries than one chunk', async () => {
  const classes = 5;
  const width = 8;
  const rows = (count: number, shift: number) => ({
    count,
    width,
    values: Float32Array.from({ length: count * width }, (_, i) => {
      const [row, column] = [Math.floor(i / width), i % width];
      return (column === row % classes ? 10 : 0) + Math.sin(i * 1.7 + shift);
    }),
  });
  const found = await nearest(rows(50, 0), rows(600, 1), 10, 1);
  const labels = Int32Array.from({ length: 50 }, (_, i) => i % classes);
  const predictions = vote(found, labels, classes, 0.07);
  expect(Array.from(predictions)).toEqual(Array.from({ length: 600 }, (_, i) => i % classes));
});

test('one near neighbour outvotes many far ones at a low temperature, not at a high one', () => {
  const found = {
    k: 3,
    indices: Int32Array.of(0, 1, 2),
    similarities: Float32Array.of(0.9, 0.5, 0.5),
  };
  const labels = Int32Array.of(1, 0, 0);
  expect(Array.from(vote(found, labels, 2, 0.001))).toEqual([1]);
  expect(Array.from(vote(found, labels, 2, 10))).toEqual([0]);
});
