/** Which classes two splits of one source have together. */
import { commonClasses } from '../../src/data/classes';
import { UserError } from '../../src/errors';

const split = (split: 'train' | 'test', classes: readonly string[] | null) => ({
  name: 'parquet:x',
  split,
  classes,
});

test('the longer list, where the shorter is its beginning', () => {
  for (const [one, other] of [
    [
      ['0', '1'],
      ['0', '1', '2'],
    ],
    [['0', '1', '2'], ['0']],
    [null, ['0', '1', '2']],
    [['0', '1', '2'], null],
  ])
    expect(commonClasses(split('train', one), split('test', other))).toEqual(['0', '1', '2']);
  expect(commonClasses(split('train', null), split('test', null))).toBeNull();
});

test('the first label that means two things is named', () => {
  const attempt = () => commonClasses(split('train', ['cat', 'dog']), split('test', ['cat', 'fox', 'owl']));
  expect(attempt).toThrow(UserError);
  expect(attempt).toThrow(/^parquet:x: label 1 is dog in its train split and fox in its test split; give /);
});
