/** How a file is damaged: a few drawn changes of its bytes, or of its numbers and words where it is text. */
import fc from 'fast-check';

/** Places are shares of the file's length, so that they fit files of any length. */
export interface Mutation {
  readonly kind: (typeof KINDS)[number];
  readonly at: number;
  readonly length: number;
  readonly value: number;
  readonly text: string;
}

const KINDS = [
  'bit',
  'byte',
  'cut',
  'remove',
  'repeat',
  'insert',
  'zeros',
  'move',
  'integer',
  'number',
  'word',
  'line',
] as const;

const EXTREMES = [0, 1, -1, 255, 65535, 2 ** 31 - 1, -(2 ** 31), 2 ** 32 - 1, 2 ** 40, -(2 ** 53), 2 ** 63];
const TEXTS = [
  '',
  '\0',
  '\u001b[31m',
  'NaN',
  '1e999',
  'null',
  '__proto__',
  '../../etc/passwd',
  '"',
  '{',
  '['.repeat(5000),
];
/** What stands in the place of a number of a text. */
const NUMBERS = ['0', '-1', '1.5', '1e9', '1e308', '99999999999999999999', 'null', '"1"', '[]', 'true', '{}'];

const mutation: fc.Arbitrary<Mutation> = fc.record({
  kind: fc.constantFrom(...KINDS),
  // headers are at the ends
  at: fc.oneof(
    fc.double({ min: 0, max: 1, noNaN: true }),
    fc.double({ min: 0, max: 0.02, noNaN: true }),
    fc.double({ min: 0.95, max: 1, noNaN: true }),
  ),
  length: fc.double({ min: 0, max: 1, noNaN: true }),
  value: fc.oneof(fc.constantFrom(...EXTREMES), fc.nat(0xffff)),
  text: fc.oneof(fc.constantFrom(...TEXTS), fc.string({ maxLength: 12, unit: 'binary' })),
});

const mutations = fc.array(mutation, { minLength: 1, maxLength: 4 });

/** The changes of an input; the same for the same seed. */
export function drawMutations(seed: number): Mutation[] {
  return fc.sample(mutations, { seed, numRuns: 1 })[0];
}

export const damage = (bytes: Buffer, changes: readonly Mutation[]): Buffer =>
  changes.reduce((current, change) => apply(current, change), bytes);

function apply(bytes: Buffer, { kind, at: share, length: part, value, text }: Mutation): Buffer {
  const at = Math.min(Math.floor(share * bytes.length), Math.max(0, bytes.length - 1));
  const some = Math.min(bytes.length - at, 1 + Math.floor(part ** 3 * 4096));
  const [head, tail] = [bytes.subarray(0, at), bytes.subarray(at)];
  switch (kind) {
    case 'bit':
      return edited(bytes, (copy) => (copy[at] ^= 1 << (value & 7)));
    case 'byte':
      return edited(bytes, (copy) => (copy[at] = value & 255));
    case 'cut':
      return Buffer.from(head);
    case 'remove':
      return Buffer.concat([head, tail.subarray(some)]);
    case 'repeat':
      return Buffer.concat([head, tail.subarray(0, some), tail]);
    case 'insert':
      return Buffer.concat([head, Buffer.from(text), tail]);
    case 'zeros':
      return edited(bytes, (copy) => copy.fill(0, at, at + some));
    case 'move':
      return Buffer.concat([tail.subarray(some), head, tail.subarray(0, some)]);
    case 'integer':
      return edited(bytes, (copy) => writeInteger(copy, at, value, some % 4));
    case 'number':
      return replaced(
        bytes,
        /-?\d+(?:\.\d+)?(?:e[+-]?\d+)?/gi,
        share,
        NUMBERS[Math.abs(value) % NUMBERS.length],
      );
    case 'word':
      return replaced(bytes, /[A-Za-z_]{2,}/g, share, text);
    case 'line':
      return replaced(bytes, /[^\n]*\n/g, share, text.includes('\0') ? '' : `${text}\n`);
  }
}

function edited(bytes: Buffer, edit: (copy: Buffer) => void): Buffer {
  const copy = Buffer.from(bytes);
  if (copy.length > 0) edit(copy);
  return copy;
}

/** As 32 or 64 bits, little-endian or big-endian. */
function writeInteger(copy: Buffer, at: number, value: number, form: number): void {
  const wide = form > 1;
  if (at + (wide ? 8 : 4) > copy.length) return;
  const bits = BigInt.asUintN(wide ? 64 : 32, BigInt(value));
  if (form === 0) copy.writeUInt32LE(Number(bits), at);
  else if (form === 1) copy.writeUInt32BE(Number(bits), at);
  else if (form === 2) copy.writeBigUInt64LE(bits, at);
  else copy.writeBigUInt64BE(bits, at);
}

/** One of the matches, by its share, replaced. Bytes that are no text stay as they are. */
function replaced(bytes: Buffer, pattern: RegExp, share: number, by: string): Buffer {
  const text = bytes.toString('latin1');
  const found = [...text.matchAll(pattern)];
  if (found.length === 0) return bytes;
  const match = found[Math.min(found.length - 1, Math.floor(share * found.length))];
  return Buffer.concat([
    bytes.subarray(0, match.index),
    Buffer.from(by),
    bytes.subarray(match.index + match[0].length),
  ]);
}
