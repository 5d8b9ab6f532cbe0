/** Random numbers: the published generator, named streams, and the moments of what is drawn. */
import fc from 'fast-check';
import { philox, Random } from '../../src/base/random';

test.each([
  // Random123's known answers for philox4x32 with 10 rounds
  [[0, 0, 0, 0], [0, 0], '6627e8d5 e169c58d bc57ac4c 9b00dbd8'],
  [new Array<number>(4).fill(0xffffffff), [0xffffffff, 0xffffffff], '408f276d 41c83b0e a20bc7c6 6d5451fd'],
  [
    [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
    [0xa4093822, 0x299f31d0],
    'd16cfe09 94fdcceb 5001e420 24126ea1',
  ],
])('Philox of %j under %j', (counter, [key0, key1], expected) => {
  const words = Uint32Array.from(counter);
  philox(words, key0, key1);
  expect(Array.from(words, (word) => word.toString(16).padStart(8, '0')).join(' ')).toBe(expected);
});

describe('a stream', () => {
  const draw = (seed: number, ...name: (string | number)[]) => {
    const random = new Random(seed, ...name);
    return Array.from({ length: 6 }, () => random.nextUint32());
  };

  test('is its seed’s and its name’s, part by part, and goes on from block to block', () => {
    expect(draw(1, 'a', 2)).toEqual(draw(1, 'a', 2));
    const others = [
      draw(1),
      draw(1, 'a'),
      draw(1, 'a', 2),
      draw(2, 'a', 2),
      draw(1, 'a', 3),
      draw(1, 'a', '2'),
    ];
    const more = [
      draw(1, 'bc', 'a'),
      draw(1, 'b', 'ca'),
      draw(1, 2, 'a'),
      draw(2 ** 32 + 1),
      draw(1, 2 ** 32),
      draw(1, 0),
    ];
    const all = [...others, ...more];
    expect(new Set(all.map(([first]) => first)).size).toBe(all.length);
    expect(new Set(all.flat()).size).toBe(6 * all.length);
  });

  test('gives whole numbers below a bound, each as often', () => {
    const random = new Random(3, 'integers');
    const counts = new Array<number>(7).fill(0);
    for (let i = 0; i < 7000; i++) counts[random.integer(7)]++;
    // standard deviation 29
    for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(150);
  });

  test('gives every order as often', () => {
    const random = new Random(3, 'orders');
    const counts = new Map<string, number>();
    for (let i = 0; i < 6000; i++) {
      const order = random.permutation(3).join('');
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    expect([...counts.keys()].sort()).toEqual(['012', '021', '102', '120', '201', '210']);
    for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThan(150);
  });
});

const COUNT = 20_000;

/** Mean and variance of many draws. */
function moments(draw: (random: Random) => number): [mean: number, variance: number] {
  const random = new Random(7, 'moments');
  const values = Array.from({ length: COUNT }, () => draw(random));
  const mean = values.reduce((a, b) => a + b, 0) / COUNT;
  return [mean, values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / COUNT];
}

test('uniform and normal numbers have their mean and their variance', () => {
  const [mean, variance] = moments((random) => random.uniform());
  expect(Math.abs(mean - 1 / 2)).toBeLessThan(5 * Math.sqrt(1 / 12 / COUNT));
  expect(variance).toBeCloseTo(1 / 12, 2);
  const [middle, spread] = moments((random) => random.normal());
  expect(Math.abs(middle)).toBeLessThan(5 / Math.sqrt(COUNT));
  expect(Math.abs(spread - 1)).toBeLessThan(5 * Math.sqrt(2 / COUNT));
  // Box and Muller make two at once, which have nothing in common
  const [product] = moments((random) => random.normal() * random.normal());
  expect(Math.abs(product)).toBeLessThan(5 / Math.sqrt(COUNT));
});

test.each([0.3, 1, 4.5])('Gamma(%d, 1) has its mean and its variance', (a) => {
  const [mean, variance] = moments((random) => random.gamma(a));
  // five standard errors; the fourth central moment of Gamma(a) is 3 a^2 + 6 a
  expect(Math.abs(mean - a)).toBeLessThan(5 * Math.sqrt(a / COUNT));
  expect(Math.abs(variance - a)).toBeLessThan(5 * Math.sqrt((2 * a * a + 6 * a) / COUNT));
});

test.each([0.2, 1, 5])('Beta(%d, %d) has mean 1/2 and variance 1 / (4 (2 a + 1))', (a) => {
  const [mean, variance] = moments((random) => random.beta(a));
  const expected = 1 / (4 * (2 * a + 1));
  expect(Math.abs(mean - 0.5)).toBeLessThan(5 * Math.sqrt(expected / COUNT));
  expect(variance).toBeCloseTo(expected, 2);
});

test('a weight lies in [0, 1], for any parameter', () => {
  fc.assert(
    fc.property(fc.nat(), fc.double({ min: 1e-4, max: 100, noNaN: true }), (seed, a) => {
      const weight = new Random(seed, 'weight').beta(a);
      return weight >= 0 && weight <= 1;
    }),
  );
});
