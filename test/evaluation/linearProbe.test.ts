/** The linear probe's choice of the regularization, and what it makes of the features. */
import { Random } from '../../src/base/random';
import { accuracy, canChoose, linearProbe, pick } from '../../src/evaluation/linearProbe';

const options = { seed: 0, threads: 1 };

/** Rows of two classes: `columns` gives a row's features from its class (-1 or 1) and a source of noise. */
function problem(count: number, name: string, columns: (sign: number, noise: () => number) => number[]) {
  const random = new Random(5, name);
  const labels = Int32Array.from({ length: count }, (_, i) => i % 2);
  const rows = Array.from(labels, (label) => columns(2 * label - 1, () => random.normal()));
  return { count, width: rows[0].length, values: Float32Array.from(rows.flat()), labels };
}
const probe = async (columns: Parameters<typeof problem>[2]) => {
  const queries = problem(1000, 'queries', columns);
  const found = await linearProbe(problem(400, 'bank', columns), queries, 2, options);
  const held = (c: number) => found.grid.find((tried) => tried.c === c)?.accuracy ?? NaN;
  return { ...found, held, right: accuracy(found.predictions, queries.labels) };
};

test('regularizes little where the classes show only in the difference of two columns', async () => {
  const found = await probe((sign, noise) => {
    const shared = noise();
    return [shared + 0.05 * sign + 0.02 * noise(), shared];
  });
  // between the strongest and the weakest there is no doubt
  expect(found.held(1e-4)).toBeLessThan(0.75);
  expect(found.held(10)).toBeGreaterThan(0.9);
  expect(found.c).toBeGreaterThanOrEqual(0.1);
  expect(found.right).toBeGreaterThan(0.95);
});

test('regularizes much where a fifth of the labels is wrong and there are columns enough to learn them by heart', async () => {
  const found = await probe((sign, noise) => {
    const seen = noise() > 0.8 ? -sign : sign;
    return Array.from({ length: 200 }, () => 0.2 * seen + noise());
  });
  expect(found.held(1e-4)).toBeGreaterThan(found.held(10) + 0.2);
  expect(found.c).toBeLessThanOrEqual(1e-3);
  expect(found.right).toBeGreaterThan(0.74);
});

test('of values that are equally good it takes the most regularized, and the grid is a decade apart', async () => {
  const found = await probe((sign, noise) => [5 * sign + noise() / 10, 3]);
  expect(found.grid).toEqual([1e-4, 1e-3, 1e-2, 1e-1, 1, 10].map((c) => ({ c, accuracy: 1 })));
  expect([found.c, found.right, found.converged]).toEqual([1e-4, 1, true]);
});

test('a column’s scale and place do not matter, nor one that is the same for all', async () => {
  const columns = (scale: number, place: number) => (sign: number, noise: () => number) => [
    scale * (sign + noise()) + place,
    noise(),
    place,
  ];
  const plain = await probe(columns(1, 0));
  for (const [scale, place] of [
    [1024, 4096],
    [1 / 1024, 0],
  ]) {
    const scaled = await probe(columns(scale, place));
    expect(scaled.c).toBe(plain.c);
    expect(scaled.predictions.filter((label, i) => label !== plain.predictions[i]).length).toBeLessThan(5);
  }
  // as good as the best that there is, a threshold at 0
  expect(plain.right).toBeGreaterThan(0.8);
});

test('queries are seen as the bank’s images are, however few classes they have', async () => {
  const columns = (sign: number, noise: () => number) => [sign + 0.2 * noise(), noise()];
  const bank = problem(200, 'bank', columns);
  const all = problem(100, 'queries', columns);
  const queries = pick(
    all,
    Int32Array.from(all.labels.keys()).filter((i) => all.labels[i] === 1),
  );
  const { predictions } = await linearProbe(bank, queries, 2, options);
  expect([...new Set(predictions)]).toEqual([1]);
});

test('the held-out part is drawn from the seed', async () => {
  const weak = (sign: number, noise: () => number) => [0.3 * sign + noise(), noise(), noise()];
  const gridOf = async (seed: number) =>
    (await linearProbe(problem(60, 'bank', weak), problem(2, 'queries', weak), 2, { ...options, seed })).grid;
  expect(await gridOf(0)).toEqual(await gridOf(0));
  expect(await gridOf(1)).not.toEqual(await gridOf(0));
});

test('there is something to choose on where a class has two images', () => {
  const labelled = (...labels: number[]) => ({
    count: labels.length,
    width: 1,
    values: new Float32Array(labels.length),
    labels: Int32Array.from(labels),
  });
  expect(canChoose(labelled(0, 1, 2))).toBe(false);
  expect(canChoose(labelled(0, 1, 0))).toBe(true);
});
