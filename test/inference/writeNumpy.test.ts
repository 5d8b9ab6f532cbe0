/** The `.npy` and `.csv` files of `embed`, read by other readers than what wrote them. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { elementBytes, parseNpyHeader } from '../../src/data/sources/python/numpyArray';
import { csvLine, npyHeader, writeNumpy } from '../../src/inference/writeNumpy';
import { inTemporaryFolder } from '../support/temporary';

const cell = fc.oneof(fc.string(), fc.stringMatching(/^[a",\r\n;' ]{0,6}$/));

test('a line of CSV says what it was made of', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(), cell, cell, fc.option(cell)), { minLength: 1, maxLength: 5 }),
      (rows) => {
        const text = rows.map(csvLine).join('');
        const found = parse(text, { record_delimiter: '\r\n' });
        expect(found).toEqual(rows.map((row) => row.map((each) => String(each ?? ''))));
      },
    ),
  );
});

test('no label and an empty label differ', () => {
  expect(csvLine([0, 'a', '', null])).toBe('0,a,"",\r\n');
});

test('a header of any size is a multiple of 64 bytes and says the shape', () => {
  fc.assert(
    fc.property(fc.maxSafeNat(), fc.nat({ max: 2 ** 20 }), (rows, width) => {
      const header = npyHeader(rows, width);
      expect(header.length % 64).toBe(0);
      expect(parseNpyHeader(header, 'header')).toEqual({
        dtype: '<f4',
        fortran: false,
        shape: [rows, width],
        start: header.length,
      });
    }),
  );
});

test('rows in blocks come back as they were', () =>
  fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 3 }).chain((width) => {
        const row = fc.tuple(
          cell,
          fc.option(cell),
          fc.array(fc.float({ noNaN: true }), { minLength: width, maxLength: width }),
        );
        return fc.array(fc.array(row, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 3 });
      }),
      (blocks) =>
        inTemporaryFolder((folder) => {
          const [npy, csv] = [path.join(folder, 'a.npy'), path.join(folder, 'a.csv')];
          const rows = blocks.flat();
          const [[, , { length: width }]] = rows;
          writeNumpy(
            npy,
            csv,
            blocks.map((block) => ({
              images: block.map(([image]) => image),
              splits: block.map(() => 'train'),
              labels: block.map(([, label]) => label),
              width,
              values: Float32Array.from(block.flatMap(([, , values]) => values)),
            })),
          );
          const bytes = readFileSync(npy);
          const { start, ...header } = parseNpyHeader(bytes, npy);
          expect(header.shape).toEqual([rows.length, width]);
          expect(bytes.length).toBe(start + elementBytes(header));
          const wanted = rows.flatMap(([, , values]) => values);
          expect(wanted.map((_, i) => bytes.readFloatLE(start + 4 * i))).toEqual(wanted);
          const table = parse(readFileSync(csv), { record_delimiter: '\r\n' });
          expect(table).toEqual([
            ['index', 'image', 'split', 'label'],
            ...rows.map(([image, label], i) => [String(i), image, 'train', label ?? '']),
          ]);
        }),
    ),
    { numRuns: 30 },
  ));
