/** Forms give their one file, byte by byte; whatever else is sent as one is refused in words and has an end. */
import fc from 'fast-check';
import { formFile } from '../../../src/serving/http/forms';
import { RequestError } from '../../../src/serving/protocol/requestError';

const TYPE = 'multipart/form-data; boundary=b';
const file = (name: string, bytes: Uint8Array) =>
  Buffer.concat([
    Buffer.from(`--b\r\ncontent-disposition: form-data; name="${name}"; filename="a.png"\r\n\r\n`),
    bytes,
    Buffer.from('\r\n'),
  ]);
const field = (name: string) =>
  Buffer.from(`--b\r\ncontent-disposition: form-data; name="${name}"\r\n\r\nvalue\r\n`);
const PHOTO = Buffer.from('photo');
const END = Buffer.from('--b--\r\n');
const form = (...parts: readonly Buffer[]) => Buffer.concat([...parts, END]);

test('any file comes as it is, beside fields and over several turns', async () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc.integer({ min: 2 ** 20 - 300, max: 2 ** 21 + 9 }).map((length) => new Uint8Array(length).fill(length)),
    fc.constantFrom('\r\n', '\r\n--', '\r\n--a', '--', '\r').map((text) => Buffer.from(text)),
  );
  await fc.assert(
    fc.asyncProperty(bytes, fc.nat(16), async (given, fields) => {
      const body = form(...Array.from({ length: fields }, (_, i) => field(`f${i}`)), file('image', given));
      expect((await formFile(TYPE, body)).equals(given)).toBe(true);
    }),
    { numRuns: 60 },
  );
});

test.each([
  ['no boundary', 'multipart/form-data', form(), 'the form cannot be read: Multipart: Boundary not found'],
  ['no file', TYPE, form(field('a')), 'the form has no file'],
  ['two files', TYPE, form(file('a', PHOTO), file('b', PHOTO)), 'the form has more than one file'],
  [
    'many fields',
    TYPE,
    form(...Array.from({ length: 17 }, () => field('a')), file('a', PHOTO)),
    'the form has more than 16 fields',
  ],
  ['half', TYPE, form(file('a', Buffer.alloc(500))).subarray(0, 300), 'it ends too early'],
  ['nothing', TYPE, Buffer.alloc(0), 'the form'],
  ['another boundary', 'multipart/form-data; boundary=c', form(file('a', PHOTO)), 'the form'],
])('%s', async (_name, type, body, message) => {
  const answer = formFile(type, body);
  await expect(answer).rejects.toThrow(RequestError);
  await expect(answer).rejects.toThrow(message);
});

test('a damaged form is refused or read, at once', async () => {
  const whole = form(field('a'), file('image', Buffer.alloc(200, 7)), field('b'));
  const change = fc.record({ at: fc.nat(whole.length - 1), byte: fc.nat(255) });
  await fc.assert(
    fc.asyncProperty(fc.array(change, { maxLength: 6 }), fc.nat(whole.length), async (changes, length) => {
      const body = Buffer.from(whole);
      for (const { at, byte } of changes) body[at] = byte;
      const late = new Promise((_, reject) => setTimeout(reject, 5000, new Error('no answer')).unref());
      await Promise.race([formFile(TYPE, body.subarray(0, length)), late]).catch((error: unknown) =>
        expect(error).toBeInstanceOf(RequestError),
      );
    }),
    { numRuns: 1500 },
  );
});
