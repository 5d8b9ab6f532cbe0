import fc from 'fast-check';
import { patchOrder } from '../../../src/data/batches/masks';

describe('patchOrder', () => {
  it('is a permutation, ascending within the visible and within the hidden', () => {
    fc.assert(
      fc.property(
        fc.nat(),
        fc.nat(),
        fc.nat(),
        fc.integer({ min: 2, max: 64 }),
        fc.nat(),
        (seed, epoch, index, n, h) => {
          const hidden = 1 + (h % (n - 1));
          const order = [...patchOrder(seed, epoch, index, n, hidden)];
          expect([...order].sort((a, b) => a - b)).toEqual(Array.from({ length: n }, (_, i) => i));
          for (const part of [order.slice(0, n - hidden), order.slice(n - hidden)]) {
            expect(part).toEqual([...part].sort((a, b) => a - b));
          }
        },
      ),
    );
  });

  it('hides each set of places equally often, and afresh for each image and epoch', () => {
    const count = new Map<string, number>();
    for (let index = 0; index < 3000; index++) {
      const key = patchOrder(1, 0, index, 4, 2).slice(2).join();
      count.set(key, (count.get(key) ?? 0) + 1);
    }
    expect(count.size).toBe(6);
    // 500 each is expected, standard deviation 20.
    for (const n of count.values()) expect(Math.abs(n - 500)).toBeLessThan(100);
    const orders = [0, 1, 2, 3].flatMap((epoch) =>
      [0, 1, 2, 3].map((index) => patchOrder(1, epoch, index, 49, 12).join()),
    );
    expect(new Set(orders).size).toBe(16);
    expect(patchOrder(1, 3, 2, 49, 12).join()).toBe(orders[14]);
  });

  it('refuses nothing or everything hidden', () => {
    for (const hidden of [0, 16, NaN]) expect(() => patchOrder(0, 0, 0, 16, hidden)).toThrow(RangeError);
  });
});
