/** What is said of files, whatever is in them. */
import fc from 'fast-check';
import { plainLine, shownName, UserError } from '../../src/base/errors';

const isPlain = (text: string) => !/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u.test(text);

test('a message is one line of bounded length without control characters, and keeps its end', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 9000 }), (text) => {
      const { message } = new UserError(`a\n b ${text} the end`);
      return (
        isPlain(message) && message.length < 1600 && /^a b /.test(message) && message.endsWith(' the end')
      );
    }),
  );
  expect(plainLine('x'.repeat(1_000_000)).length).toBeLessThan(1500);
  expect(plainLine('\x1b[31mred\x07 \u202egnp.exe')).toBe('?[31mred? ?gnp.exe');
});

test('a name is shown in a table: one line, not too long', () => {
  expect(shownName('cat')).toBe('cat');
  expect(shownName('a\nb\0')).toBe('a?b?');
  expect(shownName('x'.repeat(500))).toHaveLength(120);
});
