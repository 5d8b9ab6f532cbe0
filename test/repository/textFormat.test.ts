/** Protobuf's text format, as it is read and written. */
import fc from 'fast-check';
import {
  formatTextFormat,
  Name,
  parseTextFormat,
  type Field,
  type Fields,
  type TextMessage,
} from '../../src/repository/textFormat';
import { userErrorOf } from '../support/userError';

test('messages, lists, comments and strings', () => {
  const parsed = parseTextFormat(`a: "x\\"y" 'z' # no\nb { c: -1.5e3 } b < c: NAME >; d: [1, 2]`, 'f');
  expect(parsed).toEqual(
    new Map<string, unknown>([
      ['a', ['x"yz']],
      ['b', [new Map([['c', ['-1.5e3']]]), new Map([['c', ['NAME']]])]],
      ['d', ['1', '2']],
    ]),
  );
  expect(userErrorOf(() => parseTextFormat('a: 1\nb', 'f.pbtxt'))).toBe(
    'f.pbtxt: line 2, the end: expected : or {',
  );
  expect(userErrorOf(() => parseTextFormat('a {', 'f.pbtxt'))).toContain(
    'f.pbtxt: line 1, the end: expected }',
  );
  expect(userErrorOf(() => parseTextFormat('a: $', 'f.pbtxt'))).toBe(
    'f.pbtxt: line 1: $ has no meaning here',
  );
});

test('escapes, also bytes of UTF-8 by number', () => {
  const text = String.raw`a: "tab\t line\n \\ \x41 \303\244 K\303\266ln \'"`;
  expect(parseTextFormat(text, 'f').get('a')).toEqual(["tab\t line\n \\ A ä Köln '"]);
});

test('lines that Triton would read', () => {
  const text = formatTextFormat({
    name: 'a "b"',
    max_batch_size: 8,
    input: [{ name: 'x', data_type: new Name('TYPE_FP32'), dims: [3, -1] }],
    version_policy: { all: {} },
    is_on: true,
  });
  expect(text).toBe(
    [
      'name: "a \\"b\\""',
      'max_batch_size: 8',
      'input {',
      '  name: "x"',
      '  data_type: TYPE_FP32',
      '  dims: [3, -1]',
      '}',
      'version_policy {',
      '  all {}',
      '}',
      'is_on: true',
      '',
    ].join('\n'),
  );
});

const name = fc.stringMatching(/^[a-z_]\w{0,8}$/).filter((text) => text !== '__proto__');
const scalar = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.integer(),
  fc.boolean(),
  fc.constantFrom(new Name('TYPE_FP32'), new Name('KIND_CPU')),
);
const { message } = fc.letrec<{ message: Fields; field: Field }>((tie) => ({
  message: fc.dictionary(name, tie('field'), { maxKeys: 4, noNullPrototype: true }),
  field: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    scalar,
    fc.array(scalar, { minLength: 1, maxLength: 3 }),
    tie('message'),
    fc.array(tie('message'), { minLength: 1, maxLength: 3 }),
  ),
}));

/** What reading makes of what was written. */
function read(fields: Fields): TextMessage {
  const value = (field: Field) =>
    field instanceof Name ? field.text : typeof field === 'object' ? read(field as Fields) : String(field);
  return new Map(
    Object.entries(fields).map(([key, field]) => [
      key,
      (Array.isArray(field) ? (field as Field[]) : [field]).map(value),
    ]),
  );
}

test('whatever is written is read again', () => {
  fc.assert(
    fc.property(message, (fields) => {
      expect(parseTextFormat(formatTextFormat(fields), 'f')).toEqual(read(fields));
    }),
  );
});
