/** Dropout's masks: the hash on the runtime, its statistics, its keys. */
import { Graph } from '../../src/graph/graph';
import { Context } from '../../src/nn/context';
import { dropout } from '../../src/nn/dropout';
import type { HostTensor } from '../../src/tensors/dtype';
import { openGraph } from '../support/run';

const SIZE = 40_000;

/** Wellons' hash in 32-bit arithmetic, the reference for the graph's int64 one. */
function hash(x: number): number {
  x ^= x >>> 16;
  x = Math.imul(x, 0x21f0aaad);
  x ^= x >>> 15;
  x = Math.imul(x, 0x735a2d97);
  return (x ^ (x >>> 15)) >>> 0;
}

const ones: HostTensor = { dtype: 'float32', shape: [SIZE], data: new Float32Array(SIZE).fill(1) };
const seedOf = (seed: number): HostTensor => ({
  dtype: 'int64',
  shape: [],
  data: BigInt64Array.of(BigInt(seed)),
});

async function masks(
  rate: number,
  seeds: readonly number[],
): Promise<{ a: Float32Array; b: Float32Array }[]> {
  const graph = new Graph('dropout');
  const x = graph.input('x', 'float32', [SIZE]);
  const context = new Context(graph, {
    training: true,
    dropoutSeed: graph.input('dropout_seed', 'int64', []),
  });
  graph.output('a', dropout(context, x, rate));
  graph.output('b', dropout(context, x, rate));
  const open = await openGraph(graph);
  const results = [];
  for (const seed of seeds) {
    const { a, b } = await open.run({ x: ones, dropout_seed: seedOf(seed) });
    results.push({ a: a.data as Float32Array, b: b.data as Float32Array });
  }
  await open.release();
  return results;
}

const agreement = (x: Float32Array, y: Float32Array) => x.filter((v, i) => v === y[i]).length / x.length;

test('the mask is the published hash of index and key', async () => {
  const seed = 123_456_789;
  const [{ a, b }] = await masks(0.25, [seed]);
  const expected = (site: number) => {
    const key = hash((seed + site * 0x9e3779b1) >>> 0);
    return Float32Array.from(a, (_, i) => (hash((i ^ key) >>> 0) >= 2 ** 30 ? 1 / 0.75 : 0));
  };
  expect(a).toEqual(expected(0));
  expect(b).toEqual(expected(1));
});

test('drops the given fraction, keeps the mean, differs by seed and by place, repeats for a seed', async () => {
  const rate = 0.1;
  const [first, second, again] = await masks(rate, [1, 2, 1]);
  const dropped = first.a.filter((v) => v === 0).length / SIZE;
  // Five standard deviations of a binomial.
  expect(Math.abs(dropped - rate)).toBeLessThan(5 * Math.sqrt((rate * (1 - rate)) / SIZE));
  expect(Math.max(...first.a)).toBeCloseTo(1 / (1 - rate), 6);
  // Independent masks agree in (1 - p)^2 + p^2 of the places.
  const independent = (1 - rate) ** 2 + rate ** 2;
  expect(agreement(first.a, first.b)).toBeCloseTo(independent, 1);
  expect(agreement(first.a, second.a)).toBeCloseTo(independent, 1);
  expect(again).toEqual(first);
});

test('rate 0 and evaluation leave no trace', () => {
  const graph = new Graph('none');
  const x = graph.input('x', 'float32', [4]);
  expect(dropout(new Context(graph, { training: true }), x, 0)).toBe(x);
  expect(dropout(new Context(graph, { training: false }), x, 0.5)).toBe(x);
  expect(graph.nodes).toHaveLength(0);
});

test('a training build without a seed is refused', () => {
  const graph = new Graph('none');
  const x = graph.input('x', 'float32', [4]);
  expect(() => dropout(new Context(graph, { training: true }), x, 0.5)).toThrow('dropoutSeed');
});
