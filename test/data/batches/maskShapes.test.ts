/** Blocks and rows of hidden places, whatever the grid. */
import fc from 'fast-check';
import { MASK_SHAPES } from '../../../src/bundle/recipe';
import { shapedPatchOrder } from '../../../src/data/batches/maskShapes';
import { patchOrder } from '../../../src/data/batches/masks';

const square = (side: number) => ({ rows: side, columns: side });
const hiddenOf = (order: Int32Array, hidden: number) => Array.from(order.slice(-hidden));

test('a permutation, visible and hidden ascending, the same for the same names', () => {
  fc.assert(
    fc.property(
      fc.record({ rows: fc.integer({ min: 1, max: 7 }), columns: fc.integer({ min: 2, max: 7 }) }),
      fc.nat(),
      fc.constantFrom(...MASK_SHAPES),
      (grid, n, shape) => {
        const hidden = 1 + (n % (grid.rows * grid.columns - 1));
        const order = shapedPatchOrder(shape, 3, 0, n, grid, hidden);
        expect(Array.from(order).sort((a, b) => a - b)).toEqual(
          Array.from({ length: grid.rows * grid.columns }, (_, i) => i),
        );
        expect(shapedPatchOrder(shape, 3, 0, n, grid, hidden)).toEqual(order);
        for (const part of [order.slice(0, -hidden), order.slice(-hidden)])
          expect(part).toEqual(part.slice().sort());
      },
    ),
  );
});

test('random is what training hides', () => {
  expect(shapedPatchOrder('random', 1, 2, 3, square(4), 4)).toEqual(patchOrder(1, 2, 3, 16, 4));
});

test('four of sixteen: every 2 x 2 block and every row comes up, and nothing else', () => {
  const seen = (shape: 'block' | 'rows') => {
    const found = Array.from({ length: 300 }, (_, index) =>
      hiddenOf(shapedPatchOrder(shape, 0, 0, index, square(4), 4), 4).join(),
    );
    return [...new Set(found)].sort();
  };
  expect(seen('rows')).toEqual(['0,1,2,3', '12,13,14,15', '4,5,6,7', '8,9,10,11']);
  const blocks = [0, 1, 2, 4, 5, 6, 8, 9, 10].map((p) => [p, p + 1, p + 4, p + 5].join());
  expect(seen('block')).toEqual(blocks.sort());
});

test('the draws of a seed stay what they are from version to version', () => {
  const drawn = (shape: 'random' | 'block' | 'rows') =>
    [0, 1, 2].map((index) => hiddenOf(shapedPatchOrder(shape, 7, 1, index, square(5), 6), 6).join());
  expect(drawn('random')).toEqual(['2,5,10,13,16,21', '2,9,11,17,23,24', '0,1,4,5,6,7']);
  expect(drawn('block')).toEqual(['1,2,6,7,11,12', '11,12,16,17,21,22', '2,3,7,8,12,13']);
  expect(drawn('rows')).toEqual(['5,6,7,8,9,10', '0,1,2,3,4,5', '10,11,12,13,14,15']);
});

test('twelve of 49: blocks of 3 x 4 and 4 x 3', () => {
  const shapes = Array.from({ length: 50 }, (_, index) => {
    const places = hiddenOf(shapedPatchOrder('block', 0, 0, index, square(7), 12), 12);
    const side = (of: (place: number) => number) =>
      Math.max(...places.map(of)) - Math.min(...places.map(of)) + 1;
    return `${side((p) => Math.floor(p / 7))} x ${side((p) => p % 7)}`;
  });
  expect([...new Set(shapes)].sort()).toEqual(['3 x 4', '4 x 3']);
});
