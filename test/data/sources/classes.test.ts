/** Which classes two splits of one source have together, and whether they are those of a network. */
import { commonClasses, requireClasses } from '../../../src/data/sources/classes';
import { UserError } from '../../../src/base/errors';

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

test('labels that mean something else than in training are refused', () => {
  const require = (classes: readonly string[] | null, trained: readonly string[] | null) => () =>
    requireClasses(split('test', classes), trained);
  for (const classes of [null, ['cat'], ['cat', 'dog', 'emu', 'fox']])
    expect(require(classes, ['cat', 'dog', 'emu'])).not.toThrow();
  expect(require(['cat'], null)).not.toThrow();
  expect(require(['cat', 'emu'], ['cat', 'dog', 'emu'])).toThrow(
    /^parquet:x: label 1 is emu, but the network was trained with dog; give images of the same classes/,
  );
});
