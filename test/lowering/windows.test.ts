/** Index lists of windows against direct loops, and the row helpers against plain sums. */
import fc from 'fast-check';
import { Graph, type Value } from '../../src/graph/graph';
import { Lowering } from '../../src/lowering/context';
import { pixelOrder } from '../../src/lowering/winograd/tileOrder';
import { addRow, columnSum, mulRow, takeRows } from '../../src/lowering/rows/rows';
import { residueClasses, windowPixels } from '../../src/lowering/windows';
import { runGraph } from '../support/run';
import { expectClose, numbersOf, randomTensor, tensorOf } from '../support/tensors';
import { eachTap, mapSize, type WindowAttributes } from './reference';

const pair = (min: number, max: number) => fc.tuple(fc.integer({ min, max }), fc.integer({ min, max }));
const windows = fc
  .record({
    size: pair(1, 9),
    kernel: pair(1, 4),
    strides: pair(1, 4),
    dilations: pair(1, 3),
    begin: pair(0, 3),
    end: pair(0, 3),
  })
  .map(({ size, begin, end, ...rest }) => {
    const attrs: WindowAttributes = { ...rest, pads: [...begin, ...end] };
    const count = mapSize(size, attrs);
    return { size, attrs, window: { ...rest, size, count, pads: begin } };
  })
  .filter(({ window }) => window.count.every((n) => n > 0));

test('windowPixels lists the pixel of every tap', () => {
  fc.assert(
    fc.property(windows, ({ size, attrs, window }) => {
      const expected: number[] = [];
      eachTap(size, attrs, (_window, _tap, pixel) => expected.push(pixel < 0 ? size[0] * size[1] : pixel));
      expect(windowPixels(window)).toEqual(expected);
    }),
    { numRuns: 100 },
  );
});

test('residueClasses hold every pixel once, and every pair of pixel and tap that a window makes', () => {
  fc.assert(
    fc.property(windows, ({ size, attrs, window }) => {
      const classes = residueClasses(window);
      const pixels = classes.flatMap((c) => c.pixels);
      expect([...pixels].sort((a, b) => a - b)).toEqual(
        Array.from({ length: size[0] * size[1] }, (_, i) => i),
      );
      const expected: string[] = [];
      eachTap(size, attrs, (index, tap, pixel) => {
        if (pixel >= 0) expected.push([pixel, tap, index].join());
      });
      const none = window.count[0] * window.count[1];
      const listed = classes.flatMap((c) => {
        expect(c.windows).toHaveLength(c.pixels.length * c.taps.length);
        return c.windows.flatMap((index, i) => {
          const pixel = c.pixels[Math.floor(i / c.taps.length)];
          return index === none ? [] : [[pixel, c.taps[i % c.taps.length], index].join()];
        });
      });
      expect(listed.sort()).toEqual(expected.sort());
    }),
    { numRuns: 100 },
  );
});

type Build = (context: Lowering, x: Value, row: Value) => Value;

async function compute(rows: number, columns: number, build: Build) {
  const graph = new Graph('rows');
  const x = randomTensor([rows, columns], 'x');
  const row = randomTensor([columns], 'row');
  const context = new Lowering(graph, { provider: 'cpu', precision: 'exact' });
  const y = build(context, graph.input('x', 'float64', x.shape), graph.input('row', 'float64', row.shape));
  graph.output('y', y);
  const results = await runGraph(graph, { x, row });
  expect([...results.y.shape]).toEqual([...y.shape]);
  return { x: numbersOf(x), row: numbersOf(row), y: results.y };
}

const SIZES = [
  [1, 3],
  [7, 3],
  [64, 2],
  [96, 5],
  [128, 4],
  [129, 4],
  [6, 1030],
  [1024, 1],
];

test.each(SIZES)('columnSum, addRow and mulRow of %i rows of %i', async (rows, columns) => {
  const sum = await compute(rows, columns, columnSum);
  const sums = new Array<number>(columns).fill(0);
  sum.x.forEach((v, i) => (sums[i % columns] += v));
  expectClose(sum.y, tensorOf('float64', [columns], sums), 1e-12);
  const added = await compute(rows, columns, addRow);
  const plus = added.x.map((v, i) => v + added.row[i % columns]);
  expectClose(added.y, tensorOf('float64', [rows, columns], plus), 0);
  const multiplied = await compute(rows, columns, mulRow);
  const times = multiplied.x.map((v, i) => v * multiplied.row[i % columns]);
  expectClose(multiplied.y, tensorOf('float64', [rows, columns], times), 0);
});

test.each([
  ['in another order', [2, 0, 1]],
  ['some, repeated', [1, 1]],
  ['with rows of zeros', [3, 2, 3, 0]],
  ['zeros alone', [3]],
  ['all as they are', [0, 1, 2]],
])('takeRows: %s', async (_name, index) => {
  const images = 2;
  const from = pixelOrder({ n: images, h: 1, w: 3 }, 1);
  const takeThree: Build = (context, v) =>
    takeRows(context, v, { name: 'test', images, pixels: 3, index, taps: 1, from });
  const { x, y } = await compute(images * 3, 4, takeThree);
  const expected = Array.from({ length: images }, (_, image) =>
    index.flatMap((row) =>
      row === 3 ? [0, 0, 0, 0] : x.slice((image * 3 + row) * 4, (image * 3 + row + 1) * 4),
    ),
  ).flat();
  expectClose(y, tensorOf('float64', [images * index.length, 4], expected), 0);
});
